"""A model's metadata in the Open Inference Protocol: its tensors, from the signature."""

from __future__ import annotations

from typing import Any

import numpy as np

from server.mlmodel.signature import Column, Schema
from server.protocol.v2.inference import OUTPUT
from server.protocol.v2.tensor import BYTES, DATATYPES

# The only input, where the signature has no name for it.
INPUT = "input-1"
_COLUMNS = {"double": "FP64", "float": "FP32", "long": "INT64", "integer": "INT32", "boolean": "BOOL"}
_CONTENT = {"string": "str", "binary": "base64", "datetime": "datetime"}


def tensors(schema: Schema | None, unnamed: str) -> list[dict[str, Any]]:
    """Return the tensors of one side of a signature, of which an ``unnamed`` one is called so; -1 is any number of rows.

    Named columns are a tensor each, of one value a row; columns without names are the second axis of one tensor.
    """
    if schema is None:
        return []
    if schema.tensors:
        return [
            {"name": tensor.name or unnamed, "datatype": _datatype(tensor.dtype), "shape": list(tensor.shape)}
            for tensor in schema.tensors
        ]
    if schema.names is None:
        datatype = _COLUMNS.get(schema.kind or "", BYTES)
        return [{"name": unnamed, "datatype": datatype, "shape": [-1, len(schema.columns)]}]
    return [_column(column) for column in schema.columns]


def _datatype(dtype: str) -> str:
    return DATATYPES.get(np.dtype(dtype), BYTES)


def _column(column: Column) -> dict[str, Any]:
    kind = column.type if isinstance(column.type, str) else ""
    if isinstance(column.type, dict) and column.type["type"] == "array":
        items = column.type.get("items", {}).get("type", "double")
        if items in (*_COLUMNS, "string"):
            return {"name": column.name, "datatype": _COLUMNS.get(items, BYTES), "shape": [-1, -1]}
    found: dict[str, Any] = {"name": column.name, "datatype": _COLUMNS.get(kind, BYTES), "shape": [-1, 1]}
    return {**found, "parameters": {"content_type": _CONTENT[kind]}} if kind in _CONTENT else found


def inputs(schema: Schema | None) -> list[dict[str, Any]]:
    """Return the tensors of a model's inputs."""
    return tensors(schema, INPUT)


def outputs(schema: Schema | None, *, native: bool) -> list[dict[str, Any]]:
    """Return the tensors of a model's outputs. One that is loaded ``native``-ly answers numbers of one type with an array."""
    if native and schema is not None and schema.kind in _COLUMNS:
        return [{"name": OUTPUT, "datatype": _COLUMNS[schema.kind], "shape": [-1, len(schema.columns)]}]
    return tensors(schema, OUTPUT)
