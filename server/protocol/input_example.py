"""The input example that MLflow keeps beside a model, or one that somebody gives, as a Seldon message for this model."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Mapping
from typing import Any

from server.mlmodel import Model
from server.protocol.json_codec import FIELDS
from server.schema.json_data import FORMS
from server.schema.single_input import KEYS

log = logging.getLogger(__name__)


def example(model: Model) -> dict[str, Any] | None:
    """Return a request made of the model's input example, or None where it has none that can be read.

    MLflow from 2.16 on writes beside the example what its own server would be sent (``serving_input_path``), which counts;
    before there is the example alone. Forms: mlflow/models/utils.py of MLflow 1.12 to 3 (``_Example``).
    """
    entry = model.input_example
    if not isinstance(entry, dict) or not isinstance(entry.get("artifact_path"), str):
        return None
    path, served = model.folder / entry["artifact_path"], model.folder / str(entry.get("serving_input_path"))
    as_served = "serving_input_path" in entry and served.is_file()
    path = served if as_served else path
    try:
        content = parse(path.read_bytes())
        return message(content if as_served else _payload(entry, content), model)
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        log.warning("the input example %s is passed over: %s", path, error)
        return None


def parse(text: bytes) -> Any:
    """Return the value of JSON in which NaN, which Python writes for a gap, is null. So is an infinity: JSON has none.

    Raises:
        ValueError: it is no JSON.
    """
    return json.loads(text, parse_constant=lambda _: None)


def message(payload: Any, model: Model) -> dict[str, Any]:
    """Return the Seldon message for ``model`` that holds ``payload``: one already, a payload of MLflow's, or bare values.

    A table goes as data with names: those that it has, or the signature's where it is as wide; a text as strData; and
    anything else as jsonData in MLflow's form, or as the object that it is.
    """
    if is_message(payload):
        return dict(payload)
    if isinstance(payload, dict) and (payload.keys() & KEYS or not payload.keys() & FORMS.keys()):
        return {"jsonData": payload}
    if not isinstance(payload, dict):
        payload = {"inputs": payload}
    form = next(name for name in FORMS if name in payload)
    value, params = payload[form], payload.get("params")
    if form in ("inputs", "instances"):
        if isinstance(value, dict) and not _columnar(value, model):
            return _object(value, params, model)
        if isinstance(value, str) and not params:
            return {"strData": value}
        value = _row(value, model)
    if payload.keys() <= {form, "params"} and not params and not _by_rows(model):
        if form == "dataframe_split" and _labels(value.get("columns")):
            return _table(value["data"], [str(name) for name in value.get("columns") or ()], model)
        if form in ("inputs", "instances") and _is_table(value):
            return _table(value, [], model)
    return {"jsonData": {**payload, form: value}}


def is_message(value: Any) -> bool:
    """Whether a value is a Seldon message: data, jsonData, strData or binData, and meta at most."""
    if not isinstance(value, dict) or not value.keys() <= {*FIELDS, "meta"}:
        return False
    return len(value.keys() & set(FIELDS)) == 1 and isinstance(value.get("data", {}), dict)


def _payload(entry: Mapping[str, Any], content: Any) -> Any:
    """Return what MLflow's server would be sent for an example without it."""
    params: Any = None
    found: dict[str, Any]
    if entry.get("params"):
        content, params = content["inputs"], content["params"]
    kind = entry.get("type")
    if kind == "dataframe":
        found = {"dataframe_split": {key: content[key] for key in ("columns", "data") if key in content}}
    elif str(kind).startswith("sparse_matrix"):
        found = {"inputs": _dense(content, by_column=kind == "sparse_matrix_csc")}
    elif isinstance(content, dict) and content.keys() & KEYS:
        return {**content, **(params or {})}
    elif entry.get("format") == "tf-serving":
        found = content
    else:
        found = {"inputs": content}
    return {**found, "params": params} if params else found


def _dense(content: Mapping[str, Any], *, by_column: bool) -> list[list[float]]:
    """Return the rows of a compressed matrix: each of its rows, or columns, has a range of ``indptr``."""
    rows, columns = content["shape"]
    found = [[0.0] * columns for _ in range(rows)]
    starts = content["indptr"]
    for major, (start, end) in enumerate(itertools.pairwise(starts)):
        for minor, value in zip(content["indices"][start:end], content["data"][start:end], strict=True):
            row, column = (minor, major) if by_column else (major, minor)
            found[row][column] = value
    return found


def _by_rows(model: Model) -> bool:
    """Whether a row is one value, as with type hints: a list of such is no table, although they may be lists."""
    columns = model.inputs.columns if model.inputs else ()
    return len(columns) == 1 and columns[0].name is None


def _columnar(value: Mapping[str, Any], model: Model) -> bool:
    """Whether an object has a list of values for each column or tensor, and is not one row of them itself."""
    if _by_rows(model) or not value or not all(isinstance(cells, list) for cells in value.values()):
        return False
    arrays = {
        column.name
        for column in (model.inputs.columns if model.inputs else ())
        if isinstance(column.type, dict)
    }
    return value.keys().isdisjoint(arrays) and len({len(cells) for cells in value.values()}) == 1


def _object(value: Mapping[str, Any], params: Any, model: Model) -> dict[str, Any]:
    """Return one object as a row of a table, or as the value of a model that says nothing of columns."""
    more = {"params": params} if params else {}
    if _by_rows(model):
        return {"jsonData": {"inputs": [value], **more}}
    if model.inputs is None or model.inputs.tensors:
        return {"jsonData": {"inputs": value, **more} if more or model.inputs else dict(value)}
    return {"jsonData": {"dataframe_records": [value], **more}}


def _row(value: Any, model: Model) -> Any:
    """Return a list of as many values as the signature has columns as the row that it is."""
    columns = model.inputs.columns if model.inputs else ()
    if (
        isinstance(value, list)
        and len(value) == len(columns) > 1
        and not any(isinstance(cell, list | dict) for cell in value)
    ):
        return [value]
    return value


def _table(rows: list[Any], names: list[str], model: Model) -> dict[str, Any]:
    signed = model.inputs.names if model.inputs and model.inputs.columns else None
    if not names and signed and all(len(row) == len(signed) for row in rows):
        names = [str(name) for name in signed]
    return {"data": {**({"names": names} if names else {}), "ndarray": rows}}


def _labels(columns: Any) -> bool:
    """Whether columns can be sent in data.names: strings, or numbers as strings; None can be left out."""
    return columns is None or (
        isinstance(columns, list)
        and all(isinstance(name, str | int) and not isinstance(name, bool) for name in columns)
    )


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) for row in value)
