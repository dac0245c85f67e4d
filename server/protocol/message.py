"""A Seldon message between the wire and the model.

Source: https://github.com/SeldonIO/seldon-core/blob/v1.17.1/proto/prediction.proto
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """What a client sent.

    ``kind`` is the field that the payload came in: ndarray, tensor or tftensor of ``data``, or jsonData, strData,
    binData. ``values`` is for the first three an array of numbers or booleans of any shape or, where strings
    or nulls occur, a list of rows, all of one length; else any JSON value, a str or bytes. ``names`` are
    the columns' names, or None where the client gave none.
    """

    kind: str
    values: Any
    names: list[str] | None = None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the model returned: ``values`` is an array, rows as lists, a str, bytes or a dict."""

    values: Any
    names: list[str] = field(default_factory=list)
