"""A tensor of the Open Inference Protocol: its datatype, shape and values, as JSON, raw bytes or protobuf has them.

Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#tensor-data-types
"""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from server.errors import BadData
from server.ipc.columnar_table import time_texts
from server.schema.json_arrays import DIMENSIONS, MAX_CELLS, as_lists, check_cells, shown

# BYTES has a length of its own for each element.
DTYPES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
DATATYPES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
BYTES = "BYTES"
_KINDS = {**{name: dtype for dtype, name in DATATYPES.items()}, BYTES: np.dtype(object)}
_DOUBLE = np.dtype(np.float64)
# By the kind of a dtype, the types that its values have in JSON.
_RULES: dict[str, tuple[set[type], str]] = {
    "b": ({bool}, "true or false"),
    "f": ({int, float, type(None)}, "numbers"),
}
_WHOLE: tuple[set[type], str] = ({int}, "whole numbers")
# The length of an element of BYTES, before it.
_LENGTH = struct.Struct("<I")


@dataclass(slots=True)
class Tensor:
    """A named tensor: ``values`` is an array of its shape, of one of DTYPES or, for BYTES, of objects that are str or bytes."""

    name: str
    values: np.ndarray
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def datatype(self) -> str:
        """The protocol's name of the values' type."""
        return DATATYPES.get(self.values.dtype, BYTES)


def dtype(name: str, datatype: Any) -> np.dtype[Any]:
    """Return the dtype of a datatype, object for BYTES.

    Raises:
        BadData: there is no such datatype, or it cannot be taken.
    """
    if isinstance(datatype, str) and datatype in _KINDS:
        return _KINDS[datatype]
    if datatype == "BF16":
        raise BadData(f"input {name!r} is BF16, which numpy does not have: send FP32")
    known = ", ".join([*DTYPES, BYTES])
    raise BadData(f"the datatype of input {name!r} is {shown(datatype)}: it must be one of {known}")


def shape(name: str, given: Any) -> tuple[int, ...]:
    """Return a shape.

    Raises:
        BadData: it is no list of lengths, or has more elements than a request may.
    """
    whole = isinstance(given, list) and {*map(type, given)} == {int}
    if not whole or min(given) < 0 or len(given) > DIMENSIONS:
        raise BadData(
            f"the shape of input {name!r} is {shown(given)}: it must be a list of lengths, as in [2, 4]"
        )
    # Also where another length is 0, and so their product.
    elements = max(math.prod(given), *given)
    if elements > MAX_CELLS:
        raise BadData(
            f"input {name!r} has {elements} elements: it may have {MAX_CELLS}; send fewer rows at a time"
        )
    return tuple(given)


def from_json(name: str, datatype: Any, lengths: Any, data: Any) -> np.ndarray:
    """Return the values of a tensor whose ``data`` is a flat list or array, or nested as its shape is.

    Raises:
        BadData: they are not of its datatype or shape.
    """
    kind, wanted = dtype(name, datatype), shape(name, lengths)
    if not isinstance(data, list | np.ndarray):
        raise BadData(f"the data of input {name!r} is {shown(data)}: it must be a list")
    check_cells(f"the data of input {name!r}", data)
    if isinstance(data, np.ndarray):
        fits = data.shape in (wanted, (math.prod(wanted),))
        array = _converted(name, datatype, kind, data) if fits else None
        if array is not None:
            return array.reshape(wanted)
        data = as_lists(data)
    array = _typed(name, datatype, kind, _flattened(name, wanted, data))
    _check_count(name, wanted, len(array))
    return array.reshape(wanted)


def _flattened(name: str, lengths: tuple[int, ...], data: list[Any]) -> list[Any]:
    """Return data that is nested as its shape is as the flat list that other data is already."""
    if list not in set(map(type, data)):
        return data
    level: list[Any] = [data]
    for length in lengths:
        if any(not isinstance(part, list) or len(part) != length for part in level):
            raise BadData(
                f"the data of input {name!r} is nested otherwise than its shape {list(lengths)}: send it flat, or as its shape is"
            )
        level = list(itertools.chain.from_iterable(level))
    return level


def _typed(name: str, datatype: str, kind: np.dtype[Any], flat: list[Any]) -> np.ndarray:
    types = set(map(type, flat))
    if kind.kind == "O":
        if not types <= {str}:
            wrong = next(value for value in flat if not isinstance(value, str))
            raise BadData(f"input {name!r} has {shown(wrong)}: BYTES must be strings in JSON")
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
        return array
    allowed, rule = _RULES.get(kind.kind, _WHOLE)
    if not types <= allowed:
        wrong = next(value for value in flat if type(value) not in allowed)
        raise BadData(f"input {name!r} has {shown(wrong)}: {datatype} must be {rule}")
    try:
        if kind.kind != "f":
            return np.array(flat, dtype=kind)
        wide = np.array(flat, dtype=_DOUBLE)
    except OverflowError as error:
        raise _beyond(name, datatype, kind) from error
    return _floats(name, datatype, kind, wide)


def _converted(name: str, datatype: str, kind: np.dtype[Any], array: np.ndarray) -> np.ndarray | None:
    """Return an array of numbers as one of another type, or None where some are not of that type."""
    if kind.kind == "f":
        return _floats(name, datatype, kind, np.asarray(array, dtype=_DOUBLE))
    if kind.kind not in "iu" or array.dtype.kind != "i":
        return None
    limits = np.iinfo(kind)
    return array.astype(kind) if limits.min <= array.min() and array.max() <= limits.max else None


def _floats(name: str, datatype: str, kind: np.dtype[Any], wide: np.ndarray) -> np.ndarray:
    """Return doubles as another type of floats, in whose range they are."""
    if kind == _DOUBLE:
        return wide
    with np.errstate(over="ignore"):
        array = wide.astype(kind)
    if bool((np.isfinite(wide) & ~np.isfinite(array)).any()):
        raise _beyond(name, datatype, kind)
    return array


def _beyond(name: str, datatype: str, kind: np.dtype[Any]) -> BadData:
    limits: Any = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    return BadData(
        f"input {name!r} has a number that is no {datatype}: it must be from {limits.min} to {limits.max}"
    )


def _check_count(name: str, lengths: Sequence[int], count: int) -> None:
    if math.prod(lengths) != count:
        raise BadData(
            f"input {name!r} has {count} elements: its shape {list(lengths)} is one of {math.prod(lengths)}"
        )


def from_bytes(name: str, datatype: Any, lengths: Any, content: bytes | memoryview) -> np.ndarray:
    """Return the values of a tensor whose elements are raw bytes, little-endian, in row-major order.

    An element of BYTES has its length before it, in four bytes.

    Raises:
        BadData: they are not of its datatype or shape.
    """
    kind, wanted = dtype(name, datatype), shape(name, lengths)
    if kind.kind == "O":
        elements = _elements(name, content)
        _check_count(name, wanted, len(elements))
        array = np.empty(len(elements), dtype=object)
        array[:] = elements
        return array.reshape(wanted)
    size = math.prod(wanted) * kind.itemsize
    if len(content) != size:
        raise BadData(
            f"input {name!r} has {len(content)} bytes: {datatype} of the shape {list(wanted)} has {size}"
        )
    if kind.kind == "b" and content and max(content) > 1:
        raise BadData(f"input {name!r} has a byte that is neither 0 nor 1: BOOL must be one of them")
    return np.frombuffer(content, kind.newbyteorder("<")).astype(kind, copy=False).reshape(wanted)


def _elements(name: str, content: bytes | memoryview) -> list[bytes]:
    elements, place = [], 0
    while place < len(content):
        start = place + _LENGTH.size
        if start > len(content) or start + (length := _LENGTH.unpack_from(content, place)[0]) > len(content):
            raise BadData(
                f"input {name!r} ends within an element: each of BYTES must have its length before it, in 4 bytes"
            )
        place = start + length
        elements.append(bytes(content[start:place]))
    return elements


def to_bytes(values: np.ndarray) -> bytes:
    """Return the raw bytes of an array's elements, as ``from_bytes`` takes them."""
    if values.dtype.kind == "O":
        encoded = (element(value) for value in values.ravel())
        return b"".join(_LENGTH.pack(len(value)) + value for value in encoded)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()


def element(value: Any) -> bytes:
    """Return an element of BYTES: text as UTF-8, nothing for a missing one, other values as JSON."""
    if isinstance(value, bytes):
        return value
    if value is None:
        return b""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "backslashreplace")


def representable(values: np.ndarray) -> np.ndarray:
    """Return an array as one that a datatype has: times and other text as objects that are str, None or what they are."""
    if values.dtype in DATATYPES:
        return values
    if values.dtype.kind == "f":
        return values.astype(np.float64)
    flat = np.empty(values.size, dtype=object)
    flat[:] = time_texts(values.ravel()) if values.dtype.kind in "mM" else values.ravel().tolist()
    return flat.reshape(values.shape)
