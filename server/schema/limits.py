"""Limits of JSON beside its size in bytes: levels, cells and columns, each of which costs memory or time."""

from __future__ import annotations

import re
from typing import Any

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
_AS_LISTS = bytes.maketrans(b"{}", b"[]")


def check_depth(body: bytes) -> None:
    """Refuse JSON that nests lists and objects too deeply, before it is parsed.

    Invalid JSON is left to the parser, whose error is clearer.

    Raises:
        BadData: it has more levels than it may.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    left = _STRINGS.sub(b"", body).translate(_AS_LISTS, _OTHERS)
    for _ in range(MAX_DEPTH):
        # The innermost level goes.
        left, before = left.replace(b"[]", b""), len(left)
        if len(left) == before:
            return
    if b"[]" in left:
        raise BadData(
            f"the body nests lists and objects more than {MAX_DEPTH} deep: it may have {MAX_DEPTH} levels; send a flatter value"
        )


def check_cells(what: str, rows: list[Any]) -> None:
    """Refuse rows, or a flat list of values, that are more cells than a table may have.

    Raises:
        BodyTooLarge: they are.
    """
    cells = len(rows) * (len(rows[0]) if rows and isinstance(rows[0], list | dict) else 1)
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
