"""The classes of the messages: this server's, or in a process of the stock wrapper the wrapper's own.

Both describe the package seldon.protos, which a process can hold once; and the wrapper's protobuf, older than 4,
cannot import the code that is generated for the server's.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or "seldon_core" not in sys.modules:
    from server.protocol.proto.prediction_pb2 import (
        DefaultData,
        Feedback,
        Meta,
        Metric,
        SeldonMessage,
        SeldonModelMetadata,
        Tensor,
    )
    from server.protocol.proto.tensor_pb2 import DataType, TensorProto
else:
    from seldon_core.proto.prediction_pb2 import (
        DefaultData,
        Feedback,
        Meta,
        Metric,
        SeldonMessage,
        SeldonModelMetadata,
        Tensor,
    )
    from seldon_core.proto.tensorflow.core.framework.tensor_pb2 import TensorProto
    from seldon_core.proto.tensorflow.core.framework.types_pb2 import DataType

__all__ = [
    "DataType",
    "DefaultData",
    "Feedback",
    "Meta",
    "Metric",
    "SeldonMessage",
    "SeldonModelMetadata",
    "Tensor",
    "TensorProto",
]
