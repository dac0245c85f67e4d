"""A Seldon message between the wire and the model.

Source: https://github.com/SeldonIO/seldon-core/blob/v1.17.1/proto/prediction.proto
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Request:
    """What a client sent.

    ``values`` is an array of numbers or booleans of any shape, or, where strings or nulls occur, a
    list of rows, all of one length. ``kind`` is the field of ``data`` that it came in: the answer uses the
    same. ``names`` are the columns' names, or None where the client gave none.
    """

    kind: str
    values: np.ndarray | list[list[Any]]
    names: list[str] | None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the model returned: ``values`` is an array, rows as lists, a str, bytes or a dict."""

    values: Any
    names: list[str]
