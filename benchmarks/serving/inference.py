"""The messages of the Open Inference Protocol over gRPC that a table of numbers takes.

Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto
"""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from benchmarks.serving.rows import Array

PATH = "/inference.GRPCInferenceService/ModelInfer"
_ONE, _MANY = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
_TEXT, _INT64 = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_INT64
_FP64, _MESSAGE = FieldDescriptorProto.TYPE_DOUBLE, FieldDescriptorProto.TYPE_MESSAGE
# Of each message its fields: name, number, label, type, and what message it is. A request's and an answer's are alike.
_MESSAGES = {
    "Contents": [("fp64_contents", 7, _MANY, _FP64, "")],
    "Tensor": [
        ("name", 1, _ONE, _TEXT, ""),
        ("datatype", 2, _ONE, _TEXT, ""),
        ("shape", 3, _MANY, _INT64, ""),
        ("contents", 5, _ONE, _MESSAGE, ".inference.Contents"),
    ],
    "Infer": [
        ("model_name", 1, _ONE, _TEXT, ""),
        ("tensors", 5, _MANY, _MESSAGE, ".inference.Tensor"),
    ],
}


def _infer() -> Any:
    file = FileDescriptorProto(name="inference.proto", package="inference", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, label, kind, of in fields:
            message.field.add(name=field, number=number, label=label, type=kind, type_name=of or None)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("inference.Infer"))


_Infer = _infer()


def request(model: str, rows: Array) -> bytes:
    """Return the request for rows of float64."""
    contents = {"fp64_contents": rows.ravel()}
    tensor = {"name": "rows", "datatype": "FP64", "shape": rows.shape, "contents": contents}
    return bytes(_Infer(model_name=model, tensors=[tensor]).SerializeToString())


def values(answer: bytes) -> Array:
    """Return the rows of an answer."""
    (tensor,) = _Infer.FromString(answer).tensors
    return np.array(tensor.contents.fp64_contents).reshape(tensor.shape)
