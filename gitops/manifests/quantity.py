"""Kubernetes' resource quantities: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

_UNITS = {
    **{unit: Decimal(10) ** power for unit, power in (("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3))},
    **{unit: Decimal(10) ** power for unit, power in (("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18))},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}
_FORM = re.compile(r"(?P<number>[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(?P<unit>[A-Za-z]*)")


def quantity(value: Any) -> Decimal | None:
    """Return a Kubernetes quantity such as 250m or 1Gi in cores or bytes; None where the text is not one."""
    match = _FORM.fullmatch(str(value))
    if match is None or match["unit"] not in _UNITS:
        return None
    try:
        return Decimal(match["number"]) * _UNITS[match["unit"]]
    except InvalidOperation:
        return None


def cores(value: Decimal) -> str:
    """Return a number of cores as a person writes it."""
    return _plain(value)


def size(value: Decimal) -> str:
    """Return a number of bytes in the largest unit of 1024 that leaves no more than two decimals."""
    for unit in ("Ti", "Gi", "Mi", "Ki"):
        if value >= _UNITS[unit]:
            return f"{_plain(round(value / _UNITS[unit], 2))} {unit}B"
    return f"{_plain(value)} B" if value else "0"


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
