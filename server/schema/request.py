"""A request and an answer, as every protocol translates them.

Source: https://github.com/SeldonIO/seldon-core/blob/v1.17.1/proto/prediction.proto
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from server.ipc.columnar_table import ColumnarTable

ARRAYS = ("ndarray", "tensor", "tftensor")


@dataclass(frozen=True, slots=True)
class Fields:
    """What a protocol other than Seldon's calls the parts of a request in messages.

    ``values`` are its values, ``names`` the names of their columns, ``params`` the parameters. ``by_form`` says that one of
    MLflow's forms is a field of the body itself.
    """

    values: str
    names: str
    params: str
    by_form: bool = False

    def of(self, form: str) -> Fields:
        """Return those of a request whose values stand in one of MLflow's forms."""
        if not self.by_form:
            return self
        split = form == "dataframe_split"
        return replace(
            self, values=f"{form}.data" if split else form, names=f"{form}.columns" if split else form
        )


@dataclass(slots=True)
class Request:
    """What a client sent.

    ``kind`` is the field that the payload came in: ndarray, tensor or tftensor of ``data``, or jsonData, strData,
    binData. ``values`` is for the first three an array of numbers or booleans of any shape or, where strings
    or nulls occur, a list of rows; else any JSON value, a str or bytes. ``names`` are
    the columns' names, or None where the client gave none. ``params`` are the parameters of MLflow's forms. ``fields`` is
    what messages call them, None in Seldon's protocol.
    """

    kind: str
    values: Any
    names: list[str] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    fields: Fields | None = None

    @property
    def values_field(self) -> str:
        """What messages call the values."""
        if self.fields is not None:
            return self.fields.values
        return f"data.{self.kind}" if self.kind in ARRAYS else self.kind

    @property
    def names_field(self) -> str:
        """What messages call the columns' names."""
        return self.fields.names if self.fields is not None else "data.names"

    @property
    def params_field(self) -> str:
        """What messages call the parameters."""
        return self.fields.params if self.fields is not None else "jsonData.params"


@dataclass(slots=True)
class Answer:
    """What the model returned: ``values`` is an array, ColumnarTable, rows as lists, a str, bytes or a dict.

    ``own`` is whether it has the columns' names itself, as a DataFrame does.
    """

    values: Any
    names: list[str] = field(default_factory=list)
    own: bool = False


def answered(kind: str, values: np.ndarray | ColumnarTable) -> str:
    """Return the field of data that an array or a table goes in, which answers a request of ``kind``.

    Numbers go as the request's came, or as a tensor where it had none of these; anything else as an
    ndarray. So does the stock wrapper.
    """
    numeric = values.numeric if isinstance(values, ColumnarTable) else values.dtype.kind in "iuf"
    if not numeric:
        return "ndarray"
    return kind if kind in ARRAYS else "tensor"
