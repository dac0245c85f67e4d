"""Limits of JSON beside its size in bytes: levels, cells and columns, each of which costs memory or time."""

from __future__ import annotations

import itertools
import json
import math
import re
from array import array as packed
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import orjson

from server.errors import BadData, BodyTooLarge

# As deep as protobuf goes, so that REST and gRPC take the same; numpy's arrays have 64 dimensions at most.
MAX_DEPTH = 100
# A cell of a table that is nothing but numbers takes two bytes of JSON at least.
MAX_CELLS = 4 * 1024 * 1024
# Each column of a table with names is converted by itself. An array of numbers may be wider.
MAX_COLUMNS = 64 * 1024

# A string, also an unterminated one, matched in linear time.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_UNQUOTED = bytes(set(range(256)) - set(b'[]{}"'))
_AS_LISTS = bytes.maketrans(b"{}", b"[]")
NUMERIC = "biuf"
# numpy's own limit.
DIMENSIONS = 64
FEW = 256
# Up to here a double has every integer's value.
EXACT = 2**53
_LENGTHS = "it must be a list of whole numbers, 0 or more"


def check_depth(body: bytes) -> None:
    """Refuse JSON that nests lists and objects too deeply, before it is parsed.

    Invalid JSON is left to the parser, whose error is clearer.

    Raises:
        BadData: it has more levels than it may.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    if b"\\" in body:
        left = _STRINGS.sub(b"", body)
    else:
        # Without escapes, to remove two quotes side by side keeps which brackets are inside strings.
        left = _STRINGS.sub(b"", body.translate(None, _UNQUOTED).replace(b'""', b""))
    left = left.translate(_AS_LISTS, _OTHERS)
    for _ in range(MAX_DEPTH):
        # The innermost level goes.
        left, before = left.replace(b"[]", b""), len(left)
        if len(left) == before:
            return
    if b"[]" in left:
        raise BadData(
            f"the body nests lists and objects more than {MAX_DEPTH} deep: it may have {MAX_DEPTH} levels; send a flatter value"
        )


def check_cells(what: str, rows: list[Any] | np.ndarray) -> None:
    """Refuse rows, or a flat list of values, that are more cells than a table may have.

    Raises:
        BodyTooLarge: they are.
    """
    cells = len(rows) * (len(rows[0]) if len(rows) and isinstance(rows[0], list | dict | np.ndarray) else 1)
    if cells > MAX_CELLS:
        raise BodyTooLarge(f"{what} has {cells} cells: it may have {MAX_CELLS}; send fewer rows at a time")


def check_columns(what: str, count: int) -> None:
    """Refuse more columns than a table with names may have.

    Raises:
        BodyTooLarge: they are.
    """
    if count > MAX_COLUMNS:
        raise BodyTooLarge(
            f"{what} has {count} columns: a table may have {MAX_COLUMNS}; send fewer, or rows of numbers without names to a model that takes an array"
        )


class Doubles(np.ndarray):
    """Doubles of which JSON may have written some as whole numbers.

    ``written`` is the JSON that they were made of, parsed or not, which tells columns of whole numbers from the others.
    """

    written: list[Any] | bytes | None = None


def mapping(what: str, value: Any) -> dict[str, Any]:
    """Return a value that must be a JSON object."""
    if not isinstance(value, dict):
        raise BadData(f"{what} is {shown(value)}: it must be a JSON object")
    return value


def names(what: str, value: Any) -> list[str] | None:
    """Return names of columns, or None where there are none. A whole number is the name of a column of an array."""
    if value is None or value == []:
        return None
    types = set(map(type, value)) if isinstance(value, list) else set()
    if isinstance(value, list):
        check_columns(what, len(value))
    if types == {str}:
        return cast("list[str]", value)
    if not types or not types <= {str, int}:
        raise BadData(f"{what} is {shown(value)}: it must be a list of strings or whole numbers")
    return list(map(str, value))


def rows(what: str, value: Any, *, unequal: bool = False) -> np.ndarray | list[Any]:
    """Return rows as an array if they are numbers or booleans of any depth, else as the lists they are.

    An array (server.protocol.json_body) is one already.

    One row, such as the texts that a classifier of texts takes, is returned as it is too. With ``unequal`` rows are not
    held to be of one length: they may be values of a type hint (check_rows).
    """
    if not isinstance(value, list | np.ndarray):
        raise BadData(f"{what} is {shown(value)}: it must be a list of rows, [[…], …]")
    if not len(value):
        raise BadData(f"{what} has no rows: send at least one")
    check_cells(what, value)
    if isinstance(value, np.ndarray):
        return value
    cells = _cells(value)
    types = set(map(type, cells))
    array = _numbers(value, cells, types) if types and types <= {int, float} else None
    if array is not None:
        return array
    # Texts and missing values, which most tables that are not numbers have, make no array of numbers.
    array = None if types & {str, type(None)} else as_array(value)
    if array is not None and 0 in array.shape[:2]:
        raise BadData(f"{what} has no values: send at least one column")
    if array is not None and array.dtype.kind in NUMERIC and _is_exact(array, value):
        return array
    if not unequal:
        check_rows(what, value)
    return value


def as_array(value: list[Any]) -> np.ndarray | None:
    """Return lists as the array that numpy makes of them, or None where they are of several lengths.

    Where a string is among them it is an array of objects: numpy's string dtype would take the longest one's bytes for every cell.
    """
    try:
        array = np.array(value, dtype=object)
        return array if str in set(map(type, array.ravel())) else np.array(value)
    except (ValueError, OverflowError):
        return None


def _cells(rows: list[Any]) -> list[Any]:
    """Return the cells of rows, none where a row is no list."""
    try:
        return list(itertools.chain.from_iterable(rows))
    except TypeError:
        return []


def _numbers(rows: list[list[Any]], cells: list[int | float], types: set[type]) -> np.ndarray | None:
    """Return rows that are nothing but numbers as an array where they are of one length, as most are, else None.

    It is the array that numpy would make after a search for its shape and dtype, which takes twice as long.
    """
    width = len(rows[0])
    if set(map(len, rows)) != {width}:
        return None
    whole = types == {int}
    try:
        buffer = packed("q" if whole else "d", cells)
    except OverflowError:
        return None  # A number that no array can hold.
    array = np.frombuffer(buffer, np.int64 if whole else np.float64).reshape(len(rows), width)
    return doubles(array, rows) if len(types) == 2 else array


def doubles(array: np.ndarray, written: list[Any] | bytes) -> np.ndarray | None:
    """Return an array of doubles, some of which JSON may have ``written`` as whole numbers.

    It is None where a double may have another value than the integer that it was made of.
    """
    if not bool((np.abs(array) < EXACT).all()):
        return None
    found = array.view(Doubles)
    found.written = written
    return found


def as_written(values: Any) -> Any:
    """Return a table of numbers as the rows that JSON had where a column of it may be of whole numbers, else as it is."""
    written = getattr(values, "written", None)
    if written is None or values.ndim != 2:
        return np.asarray(values) if isinstance(values, Doubles) else values
    if isinstance(written, bytes):
        written = orjson.loads(written)
        if set(map(type, itertools.chain.from_iterable(written))) == {float}:
            return np.asarray(values)
    return written


def as_lists(array: np.ndarray) -> list[Any]:
    """Return an array of numbers as the lists that JSON had."""
    written = getattr(array, "written", None)
    return cast(
        "list[Any]", orjson.loads(written) if isinstance(written, bytes) else written or array.tolist()
    )


def _is_exact(array: np.ndarray, value: list[Any]) -> bool:
    """Return whether numpy has made nothing else of the values: a number of true, a double of a large integer."""
    if array.dtype.kind == "b":
        return True
    # Looking at the cells of a few rows is quicker than asking numpy whether that is needed.
    few = array.size <= FEW
    hides_booleans = few or bool(((array == 0) | (array == 1)).any())
    hides_integers = array.dtype.kind == "f" and (few or bool((np.abs(array) >= EXACT).any()))
    if not hides_booleans and not hides_integers:
        return True
    cells: Iterable[Any] = value
    for _ in range(array.ndim - 1):
        cells = itertools.chain.from_iterable(cells)
    cells = list(cells)
    types = set(map(type, cells))
    if bool in types:
        return False
    return not (hides_integers and int in types) or not any(
        type(cell) is int and abs(cell) > EXACT for cell in cells
    )


def check_rows(what: str, rows: list[Any]) -> None:
    """Refuse rows that are not lists of one length. Values that are no rows at all may be what a model takes."""
    if not any(isinstance(row, list) for row in rows):
        return
    for index, row in enumerate(rows):
        if not isinstance(row, list):
            raise BadData(f"{what} row {index} is {shown(row)}: every row must be a list")
        if len(row) != len(rows[0]):
            raise BadData(
                f"{what} row {index} has {len(row)} values, row 0 has {len(rows[0])}: "
                "rows must be of equal length"
            )


def tensor(what: str, value: Any) -> np.ndarray:
    """Return a tensor, given as its shape and its values in C order, as an array."""
    parts = mapping(what, value)
    shape, values = parts.get("shape"), parts.get("values")
    if not isinstance(shape, list) or not all(type(length) is int for length in shape):
        raise BadData(f"{what}.shape is {shown(shape)}: {_LENGTHS}")
    if not isinstance(values, list | np.ndarray):
        raise BadData(f"{what}.values is {shown(values)}: it must be a list of numbers")
    check_cells(what, values)
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return shaped(what, np.asarray(values), shape)
    values = as_lists(values) if isinstance(values, np.ndarray) else values
    array = as_array(values) if values else np.empty(0)
    if array is None or array.ndim != 1 or array.dtype.kind not in NUMERIC:
        wrong = next((value for value in values if not isinstance(value, int | float)), values)
        raise BadData(f"{what}.values has {shown(wrong)}: it must be a flat list of numbers")
    return shaped(what, array, shape)


def shaped(what: str, values: np.ndarray, shape: list[int]) -> np.ndarray:
    """Return flat values in the shape that they came with."""
    if any(length < 0 for length in shape):
        raise BadData(f"{what}.shape is {shown(shape)}: {_LENGTHS}")
    if len(shape) > DIMENSIONS:
        raise BadData(f"{what}.shape has {len(shape)} lengths: it must have {DIMENSIONS} or fewer")
    # The lengths may be beyond what numpy can multiply.
    size = math.prod(shape)
    if size != values.size:
        raise BadData(f"{what}.shape {shape} asks for {size} values, {what}.values has {values.size}")
    if size == 0:
        raise BadData(f"{what} has no values: send at least one row")
    return values.reshape(shape)


def shown(value: Any) -> str:
    """Return a value as JSON, cut to what a message can hold."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
