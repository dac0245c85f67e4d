"""The OpenAPI document of one node: its paths, and the schema and an example of its own model's data.

Format: https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

from typing import Any

from server.mlmodel import Column, Schema, Tensor

Json = dict[str, Any]

# JSON Schema of MLflow's types. A number may be missing where it is a float, a string or time anywhere.
TYPES: dict[str, Json] = {
    "double": {"type": ["number", "null"]},
    "float": {"type": ["number", "null"]},
    "long": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "integer": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "boolean": {"type": "boolean"},
    "string": {"type": ["string", "null"]},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
    "binary": {"type": ["string", "null"], "contentEncoding": "base64"},
}
EXAMPLES: Json = {
    **dict.fromkeys(("double", "float"), 0.5),
    **dict.fromkeys(("long", "integer"), 1),
    "boolean": True,
    "string": "text",
    "datetime": "2026-01-31T12:00:00",
    "binary": "AAE=",
}
REF = "#/components/schemas/"


def openapi(
    title: str, version: str, inputs: Schema | None, outputs: Schema | None, names_needed: bool, example: Any
) -> Json:
    """Return the document.

    ``example`` is a request that the model is known to take, or None: then one is made from the signature.
    ``names_needed`` says that a request must name its columns.
    """
    calls = {
        "/api/v1.0/predictions": "Answer as the node's type in the graph says",
        "/predict": "Call the model",
        "/transform-input": "Call the model as a transformer of a graph's input",
        "/transform-output": "Call the model as a transformer of a graph's output",
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": {
            **{path: {"post": _call(path, summary)} for path, summary in calls.items()},
            "/api/v1.0/feedback": {"post": _feedback()},
            "/metadata": {"get": _get("metadata", "What the model is", "Metadata")},
            "/health/status": {"get": _get("status", "Whether the model is loaded", "SeldonMessage")},
            "/health/ping": {
                "get": {
                    "operationId": "ping",
                    "summary": "Whether the server runs",
                    "responses": {"200": {"description": "pong", "content": {"text/html": {}}}},
                }
            },
        },
        "components": {
            "schemas": {
                "Request": _message(inputs, names_needed),
                "Answer": _answer(outputs),
                "SeldonMessage": {"type": "object"},
                "Metadata": {"type": "object", "required": ["name", "versions", "inputs", "outputs"]},
                "Failure": _failure(),
            },
            "examples": {"request": {"value": example or _example(inputs)}},
        },
    }


def _call(path: str, summary: str) -> Json:
    content = {
        "schema": {"$ref": f"{REF}Request"},
        "examples": {"example": {"$ref": "#/components/examples/request"}},
    }
    return {
        "operationId": path.strip("/").replace("/", "_").replace("-", "_").replace(".", "_"),
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "200": _json("The model's answer", "Answer"),
            "400": _json("The request does not fit the model", "Failure"),
            "413": _json("The body is too large", "Failure"),
            "500": _json("The model raised", "Failure"),
            "503": _json("The model is not loaded", "Failure"),
        },
    }


def _feedback() -> Json:
    fields: Json = {field: {"type": "object"} for field in ("request", "response", "truth")}
    schema = {
        "type": "object",
        "properties": {**fields, "reward": {"type": "number"}},
        "additionalProperties": False,
    }
    return {
        "operationId": "feedback",
        "summary": "Say what an answer was worth",
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "200": _json("Taken", "SeldonMessage"),
            "400": _json("No feedback message", "Failure"),
            "413": _json("The body is too large", "Failure"),
        },
    }


def _get(operation: str, summary: str, schema: str) -> Json:
    responses = {"200": _json(summary, schema), "503": _json("The model is not loaded", "Failure")}
    return {"operationId": operation, "summary": summary, "responses": responses}


def _json(description: str, schema: str) -> Json:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"{REF}{schema}"}}},
    }


def _message(schema: Schema | None, names_needed: bool) -> Json:
    data: Json = {"type": "object", "properties": {"ndarray": _rows(schema)}, "required": ["ndarray"]}
    names = schema.names if schema and schema.columns else None
    if names is not None:
        data["properties"]["names"] = {"const": names} if names_needed else {"enum": [names, [], None]}
        data["required"] += ["names"] if names_needed else []
    else:
        data["properties"]["names"] = {"type": ["array", "null"], "items": {"type": "string"}}
    if schema is None or all(column.type in ("double", "float") for column in schema.columns):
        data["description"] = "A tensor {shape, values} may stand for ndarray."
    meta = {
        "type": ["object", "null"],
        "properties": {"puid": {"type": ["string", "null"]}, "tags": {"type": ["object", "null"]}},
    }
    return {"type": "object", "properties": {"data": data, "meta": meta}, "required": ["data"]}


def _answer(schema: Schema | None) -> Json:
    names: Json = {"type": "array", "items": {"type": "string"}}
    if schema is not None and schema.names:
        names = {"type": "array", "items": {"type": "string"}, "examples": [schema.names]}
    data: Json = {"data": {"type": "object", "properties": {"names": names}}}
    fields: list[Json] = [data, *({key: {}} for key in OTHERS)]
    return {
        "type": "object",
        "properties": {"meta": {"type": "object"}},
        "oneOf": [{"properties": field, "required": list(field)} for field in fields],
        "required": ["meta"],
    }


OTHERS = ("jsonData", "strData", "binData")


def _failure() -> Json:
    status = {
        "type": "object",
        "properties": {
            "code": {"const": -1},
            "info": {"type": "string"},
            "reason": {"type": "string"},
            "status": {"const": 1},
        },
        "required": ["code", "info", "reason", "status"],
    }
    return {"type": "object", "properties": {"status": status}, "required": ["status"]}


def _rows(schema: Schema | None) -> Json:
    if schema is None:
        is_row: Json = {"type": "array", "minItems": 1}
        is_value: Json = {"not": {"type": "array"}}
        return {"type": "array", "minItems": 1, "anyOf": [{"items": is_row}, {"items": is_value}]}
    if schema.tensors:
        return _nested(schema.tensors[0])
    cells = [_cell(column) for column in schema.columns]
    row = {"type": "array", "prefixItems": cells, "minItems": len(cells), "maxItems": len(cells)}
    return {"type": "array", "items": row, "minItems": 1}


def _nested(tensor: Tensor) -> Json:
    nested: Json = {"type": "number"}
    for length in reversed(tensor.shape):
        limits = {"minItems": 1} if length < 0 else {"minItems": length, "maxItems": length}
        nested = {"type": "array", "items": nested, **limits}
    return nested


def _cell(column: Column) -> Json:
    return TYPES[column.type] if isinstance(column.type, str) else {}


def _example(schema: Schema | None) -> Json:
    if schema is None:
        return {"data": {"ndarray": [[0.5]]}}
    if schema.tensors:
        value: Any = 0.5 if "float" in schema.tensors[0].dtype else 0
        for length in reversed(schema.tensors[0].shape):
            value = [value] * max(length, 1)
        return {"data": {"ndarray": value}}
    row = [EXAMPLES.get(column.type) if isinstance(column.type, str) else None for column in schema.columns]
    return {"data": {**({"names": schema.names} if schema.names else {}), "ndarray": [row]}}
