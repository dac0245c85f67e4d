"""Times and durations as ISO 8601 has them, as many digits as Python's and pandas' isoformat write."""

from __future__ import annotations

from typing import Any

import numpy as np

DAY, HOUR, MINUTE, SECOND = 86_400 * 10**9, 3_600 * 10**9, 60 * 10**9, 10**9


def texts(array: np.ndarray) -> Any:
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


def duration(value: Any) -> str:
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
