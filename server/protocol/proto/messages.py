"""The classes of the messages, and fields as they stand in a message's bytes.

The classes are this server's, or in a process of the stock wrapper the wrapper's own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

_LENGTH_DELIMITED = 2
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


def field(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes, a string, a message or packed numbers."""
    return head(number, len(content)) + content


def head(number: int, length: int) -> bytes:
    """Return what stands before the ``length`` bytes of such a field."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(length)


def _varint(number: int) -> bytes:
    """Return a number of 0 or more: seven bits a byte, the lowest first, a bit for whether more follow."""
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)
