"""A payload that is no table (jsonData, strData, binData) as the table that the signature asks for."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import numpy as np

from server.errors import BadData
from server.mlmodel.signature import Schema
from server.schema.json_arrays import rows
from server.schema.json_data import tabled
from server.schema.request import Request


def is_table(values: Any) -> bool:
    """Return whether values are rows, and not any other value that a model may take as it is."""
    return isinstance(values, np.ndarray) or (
        isinstance(values, list) and bool(values) and isinstance(values[0], list)
    )


def as_table(request: Request, inputs: Schema) -> Request:
    """Return the request with its payload as rows.

    An object is one row by its names, a list of objects a row each, and any other value the only cell of a row
    where the signature has one column or tensor; text and bytes are such values.

    Raises:
        BadData: the payload cannot be a table of the signature.
    """
    value = request.values
    # What is put in a form here stood in none.
    fields = request.fields and replace(request.fields, by_form=False)
    if isinstance(value, dict):
        form = {"inputs": value} if inputs.tensors else {"dataframe_records": [value]}
        return tabled(Request("jsonData", form, meta=request.meta, fields=fields))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return tabled(Request("jsonData", {"dataframe_records": value}, meta=request.meta, fields=fields))
    if is_table(value):
        return Request(
            request.kind,
            rows(request.values_field, value),
            request.names,
            request.meta,
            fields=request.fields,
        )
    entries = inputs.columns or inputs.tensors
    if len(entries) != 1:
        raise BadData(
            f"{request.values_field} has one value a row: the model's signature has {len(entries)} "
            f"{'columns' if inputs.columns else 'tensors'}; send data with a value for each"
        )
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    cells = value if isinstance(value, list) else [value]
    return Request(request.kind, rows(request.kind, [[cell] for cell in cells]), inputs.names, request.meta)
