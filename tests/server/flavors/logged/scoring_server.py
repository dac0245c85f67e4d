"""MLflow's own scoring server for one model, asked with the requests of the server under test.

Runs in the environment of whatever logs a model: Python 3.8 and later, MLflow from 1.14 on; needs flask before MLflow 2.20,
fastapi and httpx from then on.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import mlflow.pyfunc
from mlflow.models import Model
from mlflow.pyfunc.scoring_server import init

OLD = mlflow.__version__.startswith("1.")
SERVING = "_MLFLOW_IS_IN_SERVING_ENVIRONMENT"
PAYLOADS = {"dataframe_split", "dataframe_records", "inputs", "instances"}


class Scoring:
    """The application of ``mlflow models serve`` for the model in a folder, without its process and its port."""

    def __init__(self, folder: Path) -> None:
        with serving():
            model = mlflow.pyfunc.load_model(str(folder))
            application = init(model)
        self.signature = model.metadata.signature
        if hasattr(application, "test_client"):
            self._client = application.test_client()
            return
        from fastapi.testclient import TestClient

        self._client = TestClient(application, raise_server_exceptions=False)

    @classmethod
    def of(cls, folder: Path) -> Scoring | None:
        """Return it, or None for what MLflow does not serve, such as a transformer without ``predict``."""
        served = "python_function" in Model.load(str(folder)).flavors
        return cls(folder) if served else None

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the status of its response, and what it holds: the predictions, or the message of a refusal."""
        with serving():
            if hasattr(self._client, "open"):
                response = self._client.post(
                    "/invocations", data=json.dumps(body), content_type="application/json"
                )
                text = response.get_data(as_text=True)
            else:
                response = self._client.post("/invocations", json=body)
                text = response.text
        if response.status_code != 200:
            try:
                message = json.loads(text)["message"]
            except (ValueError, KeyError, TypeError):
                message = text
            return {"status": response.status_code, "message": str(message)[:400]}
        content = json.loads(text)
        named = isinstance(content, dict) and "predictions" in content
        return {"status": 200, "predictions": content["predictions"] if named else content}

    def body(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return the payload of MLflow with the rows of a request.

        Rows whose columns have no names get those of the signature: MLflow takes columns by name only.
        """
        if "jsonData" in message:
            value = message["jsonData"]
            if isinstance(value, dict) and PAYLOADS & value.keys():
                return value
            return {"inputs": value if isinstance(value, list) else [value]}
        schema = self.signature.inputs if self.signature is not None else None
        data = message["data"] if "data" in message else {"ndarray": [message["strData"]]}
        rows = data["ndarray"] if "ndarray" in data else shaped(**data["tensor"])
        tensors = schema is not None and getattr(schema, "is_tensor_spec", bool)()
        if tensors:
            name = schema.inputs[0].name
            return {"inputs": rows if name is None else {name: rows}}
        if getattr(self.signature, "_is_signature_from_type_hint", False):
            return {"inputs": rows}
        names = data.get("names")
        if names is None and schema is not None:
            names = [column.name for column in schema.inputs]
            names = None if None in names else names
        if names is None and schema is None:
            return {"inputs": rows}
        table = [row if isinstance(row, list) else [row] for row in rows]
        split = {"data": table} if names is None else {"columns": names, "data": table}
        return split if OLD else {"dataframe_split": split}


def scored(folder: Path, body: dict[str, Any]) -> Any:
    """Return the predictions that MLflow's own scoring server answers ``body`` with."""
    return Scoring(folder).answer(body)["predictions"]


@contextmanager
def serving() -> Iterator[None]:
    """Be as `mlflow models serve` has it: only then are times and bytes read from text."""
    before = os.environ.get(SERVING)
    os.environ[SERVING] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SERVING]
        else:
            os.environ[SERVING] = before


def shaped(shape: list[int], values: list[Any]) -> list[Any]:
    """Return the values of a tensor as nested lists."""
    for length in reversed(shape[1:]):
        values = [values[start : start + length] for start in range(0, len(values), length)]
    return values
