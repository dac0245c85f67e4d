"""What differs between a setting as it should be and as it is, and the request that mends it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """``text`` says what changes, from what to what; the rest is what GitHub is asked for."""

    text: str
    method: str
    path: str
    body: Any = None


def differences(wanted: Mapping[str, Any], has: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield a line for each value of ``wanted`` that ``has`` has otherwise; what it has beside is its own business."""
    for key, value in wanted.items():
        name = f"{path}.{key}" if path else key
        old = has.get(key)
        if isinstance(value, Mapping):
            yield from differences(value, old if isinstance(old, Mapping) else {}, name)
        elif old != value:
            yield f"{name}: {shown(old)} → {shown(value)}"


def shown(value: Any) -> str:
    """Return a value as a line of a report has it."""
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)
