"""A columnar table: columns of different types, which one array could not hold without a cast; times as text.

Times and durations are as ISO 8601 has them, as many digits as Python's and pandas' isoformat write.
"""

from __future__ import annotations

from typing import Any, List, Union

import numpy as np

DAY, HOUR, MINUTE, SECOND = 86_400 * 10**9, 3_600 * 10**9, 60 * 10**9, 10**9
# Numbers, booleans or times, or values that JSON knows.
Column = Union[np.ndarray, List[Any]]
NUMBERS = "iuf"


def time_texts(array: np.ndarray) -> Any:
    """Return an array of datetime64 or timedelta64 as nested lists of text, None for NaT; of one value, that."""
    missing = np.isnat(array)
    if array.dtype.kind == "M":
        found = [_shortened(text) for text in np.datetime_as_string(array).ravel().tolist()]
    else:
        found = [
            _duration(int(number)) for number in array.astype("timedelta64[ns]").ravel().astype(np.int64)
        ]
    cells = np.empty(array.size, dtype=object)
    cells[:] = found
    cells[missing.ravel()] = None
    return cells.reshape(array.shape).tolist()


def duration_text(value: Any) -> str:
    """Return a datetime.timedelta; pandas' own has nanoseconds."""
    nanoseconds = (value.days * 86_400 + value.seconds) * SECOND + value.microseconds * 1000
    return _duration(nanoseconds + int(getattr(value, "nanoseconds", 0)))


def _duration(nanoseconds: int) -> str:
    days, rest = divmod(abs(nanoseconds), DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, fraction = divmod(rest, SECOND)
    digits = f".{fraction:09}".rstrip("0") if fraction else ""
    sign = "-" if nanoseconds < 0 else ""
    return f"{sign}P{days}DT{hours}H{minutes}M{seconds}{digits}S"


def _shortened(text: str) -> str:
    """Return a time without a fraction of zeros, else with six digits or nine."""
    whole, point, fraction = text.partition(".")
    if not point:
        return text
    fraction = fraction.ljust(6, "0")
    if not fraction.strip("0"):
        return whole
    return "{}.{}".format(whole, fraction[:6] if not fraction[6:].strip("0") else fraction)


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
    found: list[Any] = time_texts(column) if column.dtype.kind in "mM" else column.tolist()
    return found
