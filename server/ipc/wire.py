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
import sys
from typing import Any, Callable, Union

import numpy as np

from .columnar_table import ColumnarTable
from .control_frame import PREFIX, dumped, headed
from .jsonable import dumps as as_json
from .jsonable import listed

RAW_KINDS = "biufmM"
LITTLE = sys.byteorder == "little"
# Up to so many bytes a copy is faster than a memoryview.
FEW = 4096
# In the header of a frame about a call: it is cancelled, or the server takes one more part of its stream.
CANCEL, MORE = "cancel", "more"
# In the header of a call: the ids of the predictions that it answers, for lines that the model writes meanwhile.
PUIDS = "puids"
# Default size limit of a frame's header and values, in bytes.
LARGEST = 1 << 31

Buffer = Union[bytes, bytearray, memoryview]


class BadFrame(ValueError):
    """The peer violates the protocol; the message says how."""


def encoded(value: Any) -> bytes:
    """Return a value that is none of the other kinds as JSON."""
    return as_json(value).encode()


def describe(value: Any, encode: Callable[[Any], bytes] = encoded) -> tuple[dict[str, Any], Buffer]:
    """Return the header's description of a value, and its buffer; ``encode`` is what writes JSON."""
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
    if isinstance(value, ColumnarTable):
        parts = [describe(column, encode) for column in value.columns]
        joined = b"".join(buffer for _, buffer in parts)
        descriptions = [description for description, _ in parts]
        return {"kind": "columns", "columns": descriptions, "size": len(joined)}, joined
    if isinstance(value, (bytes, bytearray)):
        return {"kind": "bytes", "size": len(value)}, bytes(value)
    kind, content = ("text", value.encode()) if isinstance(value, str) else ("json", encode(value))
    return {"kind": kind, "size": len(content)}, content


def pack(
    header: dict[str, Any],
    values: list[Any],
    dumps: Callable[[dict[str, Any]], bytes] = dumped,
    encode: Callable[[Any], bytes] = encoded,
) -> list[Buffer]:
    """Return a frame as the buffers to write, ``header`` getting the descriptions of ``values``.

    ``dumps`` is what writes the header, and ``encode`` values as JSON, where there is something better than the standard library.
    """
    described = [describe(value, encode) for value in values]
    text = dumps({**header, "values": [description for description, _ in described]})
    body = [buffer for _, buffer in described]
    return [headed(text, sum(memoryview(buffer).nbytes for buffer in body)), *body]


def limited(header: dict[str, Any], value: Any, largest: int) -> list[Buffer]:
    """Return the frame of an answer, or of a part of one. Raises ValueError where it has more than ``largest`` bytes."""
    frame = pack(header, [value])
    size = sum(memoryview(buffer).nbytes for buffer in frame)
    if size > largest:
        raise ValueError(
            f"the model's answer has {size} bytes, and may have {largest}: send fewer rows at a time, or raise "
            "SERVER_MAX_ANSWER_BYTES"
        )
    return frame


def size(prefix: Buffer, start: int, largest: int) -> tuple[int, int]:
    """Return how long the header of the frame that begins at ``start`` is, and its body.

    Raises:
        BadFrame: it announces more than ``largest`` bytes.
    """
    header, body = PREFIX.unpack_from(prefix, start)
    if header + body > largest:
        raise BadFrame(f"it announces a frame of {header + body} bytes, of which {largest} are allowed")
    return header, body


def unpack(header: Any, body: Buffer) -> list[Any]:
    """Return the values of a frame; arrays are views of ``body``, read-only where it is.

    Raises:
        BadFrame: the header does not describe the body.
    """
    if not isinstance(header, dict):
        raise BadFrame(f"a frame's header is a {type(header).__name__}, and must be an object")
    try:
        return _read(header["values"], memoryview(body))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BadFrame(f"a frame's header does not describe its values ({error})") from error


def _read(descriptions: list[dict[str, Any]], view: memoryview) -> list[Any]:
    values: list[Any] = []
    start = 0
    for description in descriptions:
        buffer = view[start : start + description["size"]]
        start += len(buffer)
        if len(buffer) != description["size"]:
            raise ValueError(f"a value has {len(buffer)} of {description['size']} bytes")
        kind = description["kind"]
        if kind == "array":
            values.append(_array(description["dtype"], description["shape"], buffer))
        elif kind == "columns":
            values.append(ColumnarTable(_read(description["columns"], buffer)))
        elif kind == "json":
            values.append(json.loads(bytes(buffer)))
        elif kind == "text":
            values.append(bytes(buffer).decode())
        elif kind == "bytes":
            values.append(bytes(buffer))
        else:
            raise ValueError(f"a value's kind is {kind!r}")
    if start != len(view):
        raise ValueError(f"{len(view) - start} bytes belong to no value")
    return values


def _array(kind: Any, shape: Any, buffer: memoryview) -> np.ndarray:
    """Return a view of ``buffer``; only what ``describe`` writes is an array."""
    dtype = np.dtype(kind) if isinstance(kind, str) else None
    if dtype is None or dtype.kind not in RAW_KINDS or dtype.itemsize > 8:
        raise ValueError(f"an array's dtype is {kind!r}")
    if any(type(length) is not int or length < 0 for length in shape):
        raise ValueError(f"an array's shape is {shape!r}")
    return np.frombuffer(buffer, dtype=dtype).reshape(shape)
