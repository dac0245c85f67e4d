"""A columnar table: columns of different types, which one array could not hold without a cast."""

from __future__ import annotations

from typing import Any, List, Union

import numpy as np

from .times import texts

# Numbers, booleans or times, or values that JSON knows.
Column = Union[np.ndarray, List[Any]]
NUMBERS = "iuf"


class ColumnarTable:
    """Columns of one length, at least one.

    Args:
        columns: for each a 1-D array of numbers, booleans or times, or a list.
    """

    __slots__ = ("columns",)

    def __init__(self, columns: list[Column]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0])

    def __getitem__(self, rows: slice) -> ColumnarTable:
        """Return some of the rows."""
        return ColumnarTable([column[rows] for column in self.columns])

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.columns)

    @property
    def numeric(self) -> bool:
        """Whether all columns are numbers, none of them missing."""
        return all(isinstance(column, np.ndarray) and column.dtype.kind in NUMBERS for column in self.columns)

    def doubles(self) -> np.ndarray:
        """Return the table as doubles, which cannot tell all integers beyond 2**53 apart."""
        return np.column_stack([np.asarray(column, dtype=np.float64) for column in self.columns])

    def tolist(self) -> list[list[Any]]:
        """Return the rows as lists, times as text."""
        return [list(row) for row in zip(*(_cells(column) for column in self.columns))]


def _cells(column: Column) -> list[Any]:
    if isinstance(column, list):
        return column
    found: list[Any] = texts(column) if column.dtype.kind in "mM" else column.tolist()
    return found
