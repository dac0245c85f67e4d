"""A request and an answer, as every protocol translates them.

Source: https://github.com/SeldonIO/seldon-core/blob/v1.17.1/proto/prediction.proto
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from server.ipc.columnar_table import ColumnarTable

ARRAYS = ("ndarray", "tensor", "tftensor")


@dataclass(slots=True)
class Request:
    """What a client sent.

    ``kind`` is the field that the payload came in: ndarray, tensor or tftensor of ``data``, or jsonData, strData,
    binData. ``values`` is for the first three an array of numbers or booleans of any shape or, where strings
    or nulls occur, a list of rows; else any JSON value, a str or bytes. ``names`` are
    the columns' names, or None where the client gave none. ``params`` are the parameters of MLflow's forms.
    """

    kind: str
    values: Any
    names: list[str] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """What the model returned: ``values`` is an array, ColumnarTable, rows as lists, a str, bytes or a dict."""

    values: Any
    names: list[str] = field(default_factory=list)


def answered(kind: str, values: np.ndarray | ColumnarTable) -> str:
    """Return the field of data that an array or a table goes in, which answers a request of ``kind``.

    Numbers go as the request's came, or as a tensor where it had none of these; anything else as an
    ndarray. So does the stock wrapper.
    """
    numeric = values.numeric if isinstance(values, ColumnarTable) else values.dtype.kind in "iuf"
    if not numeric:
        return "ndarray"
    return kind if kind in ARRAYS else "tensor"
