"""Frames between the server and the model's process: a JSON header and raw buffers, never pickle.

A frame is 12 bytes (header length as uint32, body length as uint64, little endian), the header as
UTF-8 JSON, with spaces so that the body begins at a multiple of 16 bytes, as arrays want it, then the body: the values'
buffers one after the other. A value is described in the header by one of

    {"kind": "array", "dtype": "<f8", "shape": [2, 4], "size": 64}   C order, little endian: numbers, booleans, times
    {"kind": "columns", "columns": [description, …], "size": n}      a table of unlike columns, arrays and JSON lists
    {"kind": "json", "size": n}                                      UTF-8 JSON; NaN and Infinity may occur
    {"kind": "text", "size": n}                                      UTF-8
    {"kind": "bytes", "size": n}

Both sides use this module: keep it to the standard library, numpy and Python 3.8.
"""

from __future__ import annotations

import json
import struct
import sys
from typing import Any, Callable, Union

import numpy as np

from .jsonable import dumps as as_json
from .jsonable import listed
from .table import Columns

PREFIX = struct.Struct("<IQ")
ALIGNMENT = 16
RAW_KINDS = "biufmM"
LITTLE = sys.byteorder == "little"
# So many bytes are copied sooner than looked at.
FEW = 4096

Buffer = Union[bytes, bytearray, memoryview]


def describe(value: Any) -> tuple[dict[str, Any], Buffer]:
    """Return the header's description of a value, and its buffer."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in RAW_KINDS and value.dtype.itemsize <= 8:
            if not (LITTLE and value.dtype.isnative and value.flags.c_contiguous):
                value = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<")).reshape(value.shape)
            buffer: Buffer = (
                value.tobytes() if value.nbytes <= FEW else memoryview(value.reshape(-1).view(np.uint8))
            )
            return (
                {"kind": "array", "dtype": value.dtype.str, "shape": list(value.shape), "size": value.nbytes},
                buffer,
            )
        value = listed(value)
    if isinstance(value, Columns):
        parts = [describe(column) for column in value.columns]
        joined = b"".join(buffer for _, buffer in parts)
        descriptions = [description for description, _ in parts]
        return {"kind": "columns", "columns": descriptions, "size": len(joined)}, joined
    if isinstance(value, (bytes, bytearray)):
        return {"kind": "bytes", "size": len(value)}, bytes(value)
    kind, text = ("text", value) if isinstance(value, str) else ("json", as_json(value))
    encoded = text.encode()
    return {"kind": kind, "size": len(encoded)}, encoded


def dumped(header: dict[str, Any]) -> bytes:
    """Return a frame's header as it is written."""
    return json.dumps(header).encode()


def pack(
    header: dict[str, Any], values: list[Any], dumps: Callable[[dict[str, Any]], bytes] = dumped
) -> list[Buffer]:
    """Return a frame as the buffers to write, ``header`` getting the descriptions of ``values``.

    ``dumps`` is what writes the header, where there is something better than the standard library.
    """
    described = [describe(value) for value in values]
    text = dumps({**header, "values": [description for description, _ in described]})
    text += b" " * (-(PREFIX.size + len(text)) % ALIGNMENT)
    body = [buffer for _, buffer in described]
    return [PREFIX.pack(len(text), sum(memoryview(buffer).nbytes for buffer in body)) + text, *body]


def unpack(header: dict[str, Any], body: Buffer) -> list[Any]:
    """Return the values of a frame; arrays are views of ``body``, read-only where it is."""
    return _read(header["values"], memoryview(body))


def _read(descriptions: list[dict[str, Any]], view: memoryview) -> list[Any]:
    values: list[Any] = []
    start = 0
    for description in descriptions:
        buffer = view[start : start + description["size"]]
        start += description["size"]
        kind = description["kind"]
        if kind == "array":
            array = np.frombuffer(buffer, dtype=description["dtype"])
            values.append(array.reshape(description["shape"]))
        elif kind == "columns":
            values.append(Columns(_read(description["columns"], buffer)))
        elif kind == "json":
            values.append(json.loads(bytes(buffer)))
        elif kind == "text":
            values.append(bytes(buffer).decode())
        else:
            values.append(bytes(buffer))
    return values
