"""MLflow's forms of input in a request's jsonData, and a payload that is no table as the table that the signature asks for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from server.errors import BadData
from server.mlmodel.signature import Schema
from server.schema.json_arrays import check_columns, mapping, names, rows, shown
from server.schema.request import Request

# How many cells a table of records may have for each value that is there, beyond some in any case: if each record had
# names of its own, a table's cells would be the square of what was sent.
SPARSE, SPARSE_CELLS = 8, 10_000
Table = tuple[Any, list[str] | None]


def tabled(request: Request, inputs: Schema | None = None, *, nested: bool = False) -> Request:
    """Return the request with its jsonData as rows and names where it is in one of MLflow's forms.

    Any other request is returned as it is: a model may take a JSON value of its own. Where a row is one ``nested`` value
    (server.mlmodel.load_plan), what stands in the form is the list of them, unless it is a table with columns. An object that has
    the columns of the signature ``inputs`` is a row of them, also where one is called as a form is.

    Raises:
        BadData: it is in one of the forms, but that is broken.
    """
    value = request.values
    if request.kind != "jsonData" or not isinstance(value, dict):
        return request
    forms = [form for form in FORMS if form in value]
    if not forms or _is_row(value, forms[0], inputs):
        return request
    form = forms[0]
    if not value.keys() <= {form, "params"}:
        if nested:
            return request  # An object with a member of this name.
        raise BadData(
            f"{request.values_field} has {', '.join(sorted(value))}: it must have {form} alone, or with params"
        )
    path = "jsonData." if request.fields is None else ""
    if nested and form != "dataframe_split":
        table, columns = value[form], None
    else:
        table, columns = FORMS[form](f"{path}{form}", value[form])
        if nested and columns is None:
            columns = [str(index) for index in range(len(table[0]))]
    params = mapping(request.params_field, value.get("params") or {})
    fields = request.fields and request.fields.of(form)
    return Request(request.kind, table, columns, request.meta, params, fields)


def _is_row(value: dict[str, Any], form: str, inputs: Schema | None) -> bool:
    """Return whether an object that has a member called ``form`` is a row by the names of a signature's columns."""
    names = set(inputs.names or ()) if inputs is not None else set()
    if form not in names or not value.keys() <= names:
        return False
    others = value.keys() - {form}
    if others == {"params"}:
        return not isinstance(value["params"], dict)
    return bool(others) or not isinstance(value[form], list | dict)


def _split(what: str, value: Any) -> Table:
    parts = mapping(what, value)
    unknown = sorted(set(parts) - {"columns", "data", "index"})
    if unknown or "data" not in parts:
        raise BadData(f"{what} has {', '.join(sorted(parts)) or 'nothing'}: it must have columns and data")
    table = rows(f"{what}.data", parts["data"])
    if isinstance(table, list) and not isinstance(table[0], list):
        raise BadData(f"{what}.data is one row, {shown(table)}: it must be a list of rows, [[…], …]")
    return table, names(f"{what}.columns", parts.get("columns"))


def _records(what: str, value: Any) -> Table:
    if not isinstance(value, list) or not value:
        raise BadData(f"{what} is {shown(value)}: it must be a list of objects, one a row")
    columns: dict[str, None] = {}
    for index, record in enumerate(value):
        columns.update(dict.fromkeys(mapping(f"{what} row {index}", record)))
        check_columns(what, len(columns))
    cells, given = len(value) * len(columns), sum(map(len, value))
    if cells > SPARSE_CELLS + given * SPARSE:
        raise BadData(
            f"{what} has {given} values for {len(value)} rows of {len(columns)} columns: most must be there; send "
            "dataframe_split, or the names that are the same in every row"
        )
    return rows(what, [[record.get(name) for name in columns] for record in value]), list(columns)


def _instances(what: str, value: Any) -> Table:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _records(what, value)
    return rows(what, value), None


def _inputs(what: str, value: Any) -> Table:
    if isinstance(value, str | int | float):
        return rows(what, [[value]]), None
    if not isinstance(value, dict):
        return _instances(what, value)
    lengths = {len(cells) if isinstance(cells, list) else -1 for cells in value.values()}
    if len(lengths) != 1 or lengths == {-1}:
        raise BadData(
            f"{what} is {shown(value)}: it must have a list of values for every column, all of one length"
        )
    return rows(what, [list(row) for row in zip(*value.values(), strict=True)]), list(value)


FORMS: dict[str, Callable[[str, Any], Table]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}


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
