"""The REST messages of the Open Inference Protocol, with its binary tensor data extension, and a model's metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from server.errors import BadData, ServerError
from server.mlmodel.signature import Column, Schema
from server.protocol.json_body import JsonBody
from server.protocol.json_codec import dumps
from server.protocol.v2.inference import OUTPUT, Inference, Output
from server.protocol.v2.tensor import BYTES, DATATYPES, Tensor, element, from_bytes, from_json, to_bytes
from server.schema.json_arrays import mapping, shown

# The header of a message whose JSON is followed by raw bytes: how many bytes the JSON has.
LENGTH_HEADER = "inference-header-content-length"
BINARY_TYPE = "application/octet-stream"
EXTENSIONS = ["binary_tensor_data"]
# The only input, where the signature has no name for it.
INPUT = "input-1"
_COLUMNS = {"double": "FP64", "float": "FP32", "long": "INT64", "integer": "INT32", "boolean": "BOOL"}
_CONTENT = {"string": "str", "binary": "base64", "datetime": "datetime"}


def parts(body: bytes, json_length: str | None) -> tuple[JsonBody, memoryview]:
    """Return a body's JSON, and the raw bytes that follow it, of those inputs that have ``binary_data_size``.

    Args:
        body: both.
        json_length: the value of LENGTH_HEADER, or None where there is no such header.

    Raises:
        BadData: it is no number of bytes.
    """
    end = json_bytes(json_length, len(body))
    return JsonBody(body[:end]), memoryview(body)[end:]


def places(message: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield where a message has arrays of numbers (server.protocol.json_body)."""
    entries = message.get("inputs") if isinstance(message, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield entry, "data"


def decode(message: Any, rest: memoryview) -> Inference:
    """Return the inference request that a message, parsed from JSON, holds, with the raw bytes after it.

    Raises:
        BadData: it is none.
    """
    message = mapping("the body", message)
    entries = message.get("inputs")
    if not isinstance(entries, list) or not entries:
        raise BadData(
            f"inputs is {shown(entries)}: it must be a list of tensors, as in "
            '{"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}]}'
        )
    inputs = []
    for index, entry in enumerate(entries):
        tensor, rest = _input(f"inputs[{index}]", mapping(f"inputs[{index}]", entry), rest)
        inputs.append(tensor)
    if rest:
        raise BadData(
            f"the body has {len(rest)} bytes after its last tensor: the binary_data_size of all inputs must add up to what follows the JSON"
        )
    parameters = _parameters("the request", message)
    return Inference(
        _text("id", "" if message.get("id") is None else message["id"]),
        inputs,
        parameters,
        _outputs(message.get("outputs")),
        _flag("binary_data_output", parameters.pop("binary_data_output", False)),
    )


def json_bytes(text: str | None, size: int) -> int:
    """Return how many of a body's ``size`` bytes are JSON, by the value of LENGTH_HEADER.

    Raises:
        BadData: it is no number of them.
    """
    if text is None:
        return size
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(size)) and 0 < int(text) <= size):
        raise BadData(
            f"Inference-Header-Content-Length is {shown(text)}: it must be the size of the JSON, from 1 to {size}"
        )
    return int(text)


def _input(what: str, entry: dict[str, Any], rest: memoryview) -> tuple[Tensor, memoryview]:
    name = _text(f"{what}.name", entry.get("name"))
    parameters = _parameters(what, entry)
    size = parameters.pop("binary_data_size", None)
    if size is None:
        values = from_json(name, entry.get("datatype"), entry.get("shape"), entry.get("data"))
        return Tensor(name, values, parameters), rest
    if "data" in entry:
        raise BadData(f"{what} has data and binary_data_size: it must have one of them")
    if type(size) is not int or not 0 <= size <= len(rest):
        raise BadData(
            f"the binary_data_size of {what} is {shown(size)}: it must be a number of bytes, and {len(rest)} follow"
        )
    values = from_bytes(name, entry.get("datatype"), entry.get("shape"), rest[:size])
    return Tensor(name, values, parameters), rest[size:]


def _parameters(what: str, entry: dict[str, Any]) -> dict[str, Any]:
    given = entry.get("parameters")
    return {} if given is None else dict(mapping(f"the parameters of {what}", given))


def _outputs(given: Any) -> list[Output]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise BadData(f"outputs is {shown(given)}: it must be a list of objects with a name")
    found = []
    for index, entry in enumerate(given):
        what = f"outputs[{index}]"
        name = _text(f"{what}.name", mapping(what, entry).get("name"))
        binary = _parameters(what, entry).get("binary_data")
        found.append(Output(name, None if binary is None else _flag("binary_data", binary)))
    return found


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadData(f"{what} is {shown(value)}: it must be a string")
    return value


def _flag(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadData(f"the parameter {what} is {shown(value)}: it must be true or false")
    return value


def encode(
    inference: Inference, outputs: list[tuple[Tensor, bool]], model: str, version: str
) -> tuple[bytes, int | None]:
    """Return the body of a response, and the size of its JSON where raw bytes follow it, else None."""
    entries, parts = [], []
    for tensor, binary in outputs:
        parameters = dict(tensor.parameters)
        entry: dict[str, Any] = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": list(tensor.values.shape),
        }
        if binary:
            content = to_bytes(tensor.values)
            parameters["binary_data_size"] = len(content)
            parts.append(content)
        if parameters:
            entry["parameters"] = parameters
        if not binary:
            entry["data"] = _data(tensor.datatype, tensor.values.reshape(-1))
        entries.append(entry)
    given = {"model_name": model, "model_version": version, "id": inference.id}
    body = dumps({**{key: value for key, value in given.items() if value}, "outputs": entries})
    return (b"".join((body, *parts)), len(body)) if parts else (body, None)


def _data(datatype: str, flat: np.ndarray) -> Any:
    """Return values as JSON has them; orjson knows an array's numbers."""
    if datatype == BYTES:
        return [
            value if value is None or isinstance(value, str) else element(value).decode()
            for value in flat.tolist()
        ]
    return flat.tolist() if datatype == "FP16" else flat


def failure(error: ServerError) -> bytes:
    """Return the body of an error."""
    return dumps({"error": str(error)})


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
