"""What the OpenAPI document says of the protocols beside Seldon's: the Open Inference Protocol, and MLflow's scoring protocol."""

from __future__ import annotations

from typing import Any

from server.errors import BadData
from server.protocol.v2 import seldon_message
from server.protocol.v2.tensor import BYTES, DTYPES
from server.schema.json_schema import Json

REF = "#/components/schemas/"
_MODEL = "/v2/models/{name}"
_INFER = (
    "Raw bytes may follow the JSON, whose size is in the header Inference-Header-Content-Length then (the binary tensor data "
    "extension). Any model name is answered."
)
_INVOCATIONS = "One of dataframe_split, dataframe_records, instances and inputs, with params beside it; or the object of a chat, an agent or a row."


def paths(example: Any) -> Json:
    """Return the paths of both, with the Seldon message ``example`` in each, where they can carry it."""
    inference, invocation = _inference(example), _invocation(example)
    return {
        "/v2": {"get": _get("v2", "What the server is", "ServerMetadata")},
        "/v2/health/live": {"get": _get("v2_live", "Whether the server runs", "Health")},
        "/v2/health/ready": {"get": _get("v2_ready", "Whether the model is loaded", "Health", busy=True)},
        _MODEL: {"get": _of_model(_get("v2_model", "What the model is, by its tensors", "ModelMetadata"))},
        f"{_MODEL}/ready": {
            "get": _of_model(_get("v2_model_ready", "Whether the model is loaded", "Health", busy=True))
        },
        f"{_MODEL}/infer": {
            "post": _of_model(
                {
                    "operationId": "v2_infer",
                    "summary": "Call the model by the Open Inference Protocol",
                    "description": _INFER,
                    "requestBody": _body({"application/json": _content("InferenceRequest", inference)}),
                    "responses": _responses("InferenceResponse", "InferenceFailure"),
                }
            )
        },
        "/invocations": {
            "post": {
                "operationId": "invocations",
                "summary": "Call the model as `mlflow models serve` is called",
                "description": _INVOCATIONS,
                "requestBody": _body(
                    {
                        "application/json": _content("Invocation", invocation),
                        "text/csv": {"schema": {"type": "string"}},
                    }
                ),
                "responses": _responses("Predictions", "InvocationFailure"),
            }
        },
        "/ping": {"get": _health("mlflow_ping")},
        "/health": {"get": _health("mlflow_health")},
        "/version": {
            "get": {
                "operationId": "mlflow_version",
                "summary": "The version of the MLflow that logged the model",
                "responses": {"200": {"description": "A version", "content": {"text/plain": {}}}},
            }
        },
    }


def schemas() -> Json:
    """Return the schemas that ``paths`` refers to."""
    parameters: Json = {"type": ["object", "null"]}
    tensor: Json = {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
        "datatype": {"enum": [*DTYPES, BYTES]},
        "data": {"type": "array"},
        "parameters": parameters,
    }
    tensors = {"type": "array", "items": _object(tensor, "name", "shape", "datatype", "data"), "minItems": 1}
    name = _object({"name": {"type": "string"}, "parameters": parameters}, "name")
    described = _object({key: tensor[key] for key in ("name", "datatype")}, "name", "datatype", "shape")
    text: Json = {"type": "string"}
    return {
        "InferenceRequest": _object(
            {
                "id": {"type": ["string", "null"]},
                "inputs": tensors,
                "outputs": {"type": ["array", "null"], "items": name},
                "parameters": parameters,
            },
            "inputs",
        ),
        "InferenceResponse": _object(
            {"id": text, "model_name": text, "model_version": text, "outputs": {"type": "array"}},
            "id",
            "outputs",
        ),
        "InferenceFailure": _object({"error": text}, "error"),
        "ServerMetadata": _object(
            {"name": text, "version": text, "extensions": {"type": "array", "items": text}},
            *("name", "version", "extensions"),
        ),
        "ModelMetadata": _object(
            {
                "name": text,
                "versions": {"type": "array", "items": text},
                "platform": text,
                "inputs": {"type": "array", "items": described},
                "outputs": {"type": "array", "items": described},
            },
            *("name", "versions", "platform", "inputs", "outputs"),
        ),
        "Health": {"type": "object"},
        "Invocation": {"type": "object", "description": _INVOCATIONS},
        "Predictions": _object({"predictions": {}}, "predictions"),
        "InvocationFailure": _object({"error_code": text, "message": text}, "error_code", "message"),
    }


def _object(properties: Json, *required: str) -> Json:
    return {"type": "object", "properties": properties, "required": list(required)}


def _content(schema: str, example: Json | None) -> Json:
    content: Json = {"schema": {"$ref": f"{REF}{schema}"}}
    return {**content, "examples": {"example": {"value": example}}} if example else content


def _body(content: Json) -> Json:
    return {"required": True, "content": content}


def _json(description: str, schema: str) -> Json:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"{REF}{schema}"}}},
    }


def _responses(schema: str, failure: str) -> Json:
    return {
        "200": _json("The model's answer", schema),
        "400": _json("The request does not fit the model", failure),
        "413": {"description": "The body is too large"},
        "500": _json("The model raised", failure),
        "503": _json("The model is not loaded", failure),
    }


def _get(operation: str, summary: str, schema: str, *, busy: bool = False) -> Json:
    responses = {"200": _json(summary, schema)}
    if busy:
        responses["503"] = _json("The model is not loaded", "InferenceFailure")
    return {"operationId": operation, "summary": summary, "responses": responses}


def _of_model(operation: Json) -> Json:
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {**operation, "parameters": [name]}


def _health(operation: str) -> Json:
    return {
        "operationId": operation,
        "summary": "Whether the model is loaded, as `mlflow models serve` says it",
        "responses": {
            "200": {"description": "It is"},
            "503": _json("The model is not loaded", "InvocationFailure"),
        },
    }


def _inference(example: Any) -> Json | None:
    try:
        return seldon_message.request(example)
    except BadData:
        return None  # A chat, or a value of a type that the protocol has none for.


def _invocation(example: Any) -> Json | None:
    """Return the request in one of MLflow's forms, None for text, bytes and tensors of a shape of their own."""
    value = example.get("jsonData") if isinstance(example, dict) else None
    if isinstance(value, dict):
        return value
    data = example.get("data", {}) if isinstance(example, dict) else {}
    if "ndarray" not in data:
        return {"inputs": value} if isinstance(value, list) else None
    if data.get("names"):
        return {"dataframe_split": {"columns": data["names"], "data": data["ndarray"]}}
    return {"inputs": data["ndarray"]}
