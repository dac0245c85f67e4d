"""google.protobuf.ListValue, the form of data.ndarray, to values and back.

A message object for every number is what makes this form slow. Rows of numbers are read from and written to the
message's bytes instead: there every number takes the same eleven, and every row the same header.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.struct_pb2 import ListValue, Value

from server.protocol.proto.messages import field, head

# The fields' numbers in google/protobuf/struct.proto.
_VALUES, _LIST_VALUE = 1, 6
# ListValue.values, a message of 9 bytes: Value.number_value, 8 bytes.
_NUMBER = b"\x0a\x09\x11"
_SIZE = len(_NUMBER) + 8


def decode(message: ListValue) -> np.ndarray | list[Any]:
    """Return one row or equal rows of numbers as a float64 array; anything else as the lists that it is."""
    array = _numbers(message)
    return [plain(value) for value in message.values] if array is None else array


def encode(values: np.ndarray | list[Any]) -> bytes:
    """Return the message of an array or of lists. Numbers become doubles."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" and values.ndim > 0:
        return _rows(np.ascontiguousarray(values, dtype="<f8"))
    message = ListValue()
    message.extend(values.tolist() if isinstance(values, np.ndarray) else values)
    return message.SerializeToString()


def plain(value: Value) -> Any:
    """Return what a Value holds: None, a bool, float, str, list or dict."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [plain(entry) for entry in value.list_value.values]
    if kind == "struct_value":
        return {key: plain(entry) for key, entry in value.struct_value.fields.items()}
    return None if kind is None or kind == "null_value" else getattr(value, kind)


def _numbers(message: ListValue) -> np.ndarray | None:
    if not message.values:
        return None
    first = message.values[0].WhichOneof("kind")
    if first == "number_value":
        height, width, header = 1, len(message.values), b""
    elif first == "list_value":
        height, width = len(message.values), len(message.values[0].list_value.values)
        header = _header(width)
    else:
        return None
    data = np.frombuffer(message.SerializeToString(), np.uint8)
    if width == 0 or data.size != height * (len(header) + width * _SIZE):
        return None
    rows = data.reshape(height, -1)
    cells = rows[:, len(header) :].reshape(height, width, _SIZE)
    if rows[:, : len(header)].tobytes() != header * height:
        return None
    if cells[:, :, : len(_NUMBER)].tobytes() != _NUMBER * (height * width):
        return None
    values = np.ascontiguousarray(cells[:, :, len(_NUMBER) :]).view("<f8")
    return values.reshape(width) if first == "number_value" else values.reshape(height, width)


def _rows(array: np.ndarray) -> bytes:
    if array.ndim > 2:
        return b"".join(field(_VALUES, field(_LIST_VALUE, _rows(part))) for part in array)
    height, width = array.shape if array.ndim == 2 else (1, array.size)
    header = _header(width) if array.ndim == 2 else b""
    rows = np.empty((height, len(header) + width * _SIZE), np.uint8)
    rows[:, : len(header)] = np.frombuffer(header, np.uint8)
    cells = rows[:, len(header) :].reshape(height, width, _SIZE)
    cells[:, :, : len(_NUMBER)] = np.frombuffer(_NUMBER, np.uint8)
    cells[:, :, len(_NUMBER) :] = array.view(np.uint8).reshape(height, width, 8)
    return rows.tobytes()


def _header(width: int) -> bytes:
    """Return what stands before the numbers of a row."""
    size = width * _SIZE
    inner = head(_LIST_VALUE, size)
    return head(_VALUES, len(inner) + size) + inner
