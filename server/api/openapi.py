"""The OpenAPI document of one node: its paths, and the schema and an example of its own model's data.

Format: https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

from typing import Any

from server.api import openapi_protocols
from server.api.openapi_protocols import REF
from server.mlmodel.load_plan import InputType
from server.mlmodel.signature import Column, Schema
from server.schema.json_schema import Json, Shaped, of_tensor, of_type

TABLE = (
    "Columns may come in any order with their names beside them, and optional ones may be left out. Numbers may "
    "come as a tensor {shape, values} instead of ndarray. MLflow's forms, such as "
    "{dataframe_split: {columns, data}}, may come in jsonData instead of data."
)
NESTED = (
    "Each entry of ndarray is one value of the model's type; it may be the only cell of a row too. The list may come in "
    "jsonData instead of data, by itself or as MLflow's {inputs: […]}."
)


def openapi(
    title: str,
    version: str,
    inputs: Schema | None,
    outputs: Schema | None,
    input_type: InputType,
    example: Any,
    *,
    chats: bool = False,
    streams: bool = False,
) -> Json:
    """Return the document.

    ``input_type`` is what the model's method gets of a request. ``example`` is a request that the model is known to take, or
    None: then one is made from the signature. ``chats`` says that a request is an object in jsonData, ``streams`` that the
    model answers in parts too.
    """
    calls = {
        "/api/v1.0/predictions": "Answer as the node's type in the graph says",
        "/predict": "Call the model",
        "/transform-input": "Call the model as a transformer of a graph's input",
        "/transform-output": "Call the model as a transformer of a graph's output",
    }
    example_request = example or (_example_object(inputs) if chats else _example(inputs, input_type))
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": {
            **{path: {"post": _call(path, summary)} for path, summary in calls.items()},
            **({"/predict_stream": {"post": _stream()}} if streams else {}),
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
            **openapi_protocols.paths(example_request),
        },
        "components": {
            "schemas": {
                "Request": _with(_object(inputs) if chats else _message(inputs, input_type), example),
                "Answer": _answer(outputs),
                "SeldonMessage": {"type": "object"},
                "Metadata": {"type": "object", "required": ["name", "versions", "inputs", "outputs"]},
                "Failure": _failure(),
                **openapi_protocols.schemas(),
            },
            "examples": {"request": {"value": example_request}},
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


def _stream() -> Json:
    called = _call("/predict_stream", "Answer in parts, as server-sent events")
    events = "An event a part, with JSON for data, then [DONE]; an event named error where the model fails among them"
    fields = {"data": {"type": "string"}, "event": {"enum": ["message", "error"]}}
    event = {"type": "object", "properties": fields, "required": ["data"]}
    ok = {"description": events, "content": {"text/event-stream": {"schema": event}}}
    return {**called, "responses": {**called["responses"], "200": ok}}


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


def _with(schema: Json, example: Any) -> Json:
    """Return the schema of requests with the field that the model's own example is in, such as jsonData or strData."""
    fields = [field for field in OTHERS if example and field in example and field not in schema["properties"]]
    other = [
        {"type": "object", "properties": {field: {}, "meta": META}, "required": [field]} for field in fields
    ]
    return {"anyOf": [schema, *other]} if other else schema


def _object(inputs: Schema | None) -> Json:
    fields = {column.name: _field(column) for column in inputs.columns} if inputs else {}
    needed = [column.name for column in inputs.columns if column.required] if inputs else []
    value: Json = {"type": "object", "properties": fields, "required": needed}
    return {"type": "object", "properties": {"jsonData": value, "meta": META}, "required": ["jsonData"]}


def _field(column: Column) -> Json:
    schema = of_type(column.type)[0]
    return schema if column.required else {"anyOf": [schema, {"type": "null"}]}


def _message(inputs: Schema | None, input_type: InputType) -> Json:
    data: Json = {
        "type": "object",
        "properties": {"ndarray": _rows(inputs, input_type)},
        "required": ["ndarray"],
    }
    names = inputs.names if inputs else None
    if input_type.nested:
        data["properties"]["names"] = {"type": ["array", "null"], "maxItems": 0}
    elif inputs is not None and names is not None and (inputs.columns or len(names) > 1):
        data["properties"]["names"] = _names(inputs, names, input_type.strict)
        data["required"] += ["names"] if input_type.strict or inputs.tensors else []
    else:
        data["properties"]["names"] = {"type": ["array", "null"], "items": {"type": ["string", "integer"]}}
    data["description"] = NESTED if input_type.nested else TABLE
    return {"type": "object", "properties": {"data": data, "meta": META}, "required": ["data"]}


def _names(inputs: Schema, names: list[str], needed: bool) -> Json:
    """Return the schema of the names: the signature's, in its order, which is that of the cells' types."""
    return {"const": names} if needed or inputs.tensors else {"enum": [names, [], None]}


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
META: Json = {
    "type": ["object", "null"],
    "properties": {"puid": {"type": ["string", "null"]}, "tags": {"type": ["object", "null"]}},
}


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


def _rows(schema: Schema | None, input_type: InputType) -> Json:
    if schema is None:
        is_row: Json = {"type": "array", "minItems": 1}
        is_value: Json = {"not": {"type": "array"}}
        return {"type": "array", "minItems": 1, "anyOf": [{"items": is_row}, {"items": is_value}]}
    if len(schema.tensors) == 1:
        return of_tensor(schema.tensors[0])[0]
    if input_type.nested:
        return {"type": "array", "items": of_type(schema.columns[0].type)[0], "minItems": 1}
    cells = [cell for cell, _ in _cells(schema)]
    row = {"type": "array", "prefixItems": cells, "minItems": len(cells), "maxItems": len(cells)}
    return {"type": "array", "items": row, "minItems": 1}


def _cells(schema: Schema) -> list[Shaped]:
    """Return the schema and an example of each cell of a row: a column's, or an entry of a tensor."""
    if schema.tensors:
        return [of_tensor(tensor, first=False) for tensor in schema.tensors]
    return [of_type(column.type) for column in schema.columns]


def _example(schema: Schema | None, input_type: InputType) -> Json:
    if schema is None:
        return {"data": {"ndarray": [[0.5]]}}
    if len(schema.tensors) == 1:
        return {"data": {"ndarray": of_tensor(schema.tensors[0])[1]}}
    row = [example for _, example in _cells(schema)]
    if input_type.nested:
        return {"data": {"ndarray": row}}
    return {"data": {**({"names": schema.names} if schema.names else {}), "ndarray": [row]}}


def _example_object(schema: Schema | None) -> Json:
    """Return a request with the fields that must be there."""
    columns = schema.columns if schema else ()
    return {"jsonData": {column.name: of_type(column.type)[1] for column in columns if column.required}}
