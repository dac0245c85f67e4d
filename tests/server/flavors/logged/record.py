"""Keep what a model answered when it was logged, for the server's answers to be compared with.

Runs in the environment of whatever logs a model: Python 3.8 and later, with numpy.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


class Record:
    """The answers of one model, written beside its folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.with_suffix(".json")
        self._entries: list[dict[str, Any]] = []

    def add(
        self,
        data: dict[str, Any],
        answer: Any,
        *,
        names: list[str] | None = None,
        error: str = "",
        **parameters: str,
    ) -> None:
        """Keep that a server with these graph parameters must answer with ``answer``, and these names of columns if given.

        ``data`` is that of a request, or a whole request with jsonData or strData. ``error`` is what the message of a failed
        call begins with.
        """
        self._keep(data, {"answer": plain(answer), "names": names, "error": error}, parameters)

    def refuse(self, data: dict[str, Any], words: str, **parameters: str) -> None:
        """Keep that it must be refused with these ``words``."""
        self._keep(data, {"refused": words}, parameters)

    def _keep(self, data: dict[str, Any], outcome: dict[str, Any], parameters: dict[str, str]) -> None:
        message = data if data.keys() & {"jsonData", "strData", "binData"} else {"data": data}
        self._entries.append({"parameters": parameters, "message": message, **outcome})
        self._path.write_text(json.dumps(self._entries, indent=1))


def scored(folder: Path, body: dict[str, Any]) -> Any:
    """Return the predictions that MLflow's own scoring server answers ``body`` with."""
    import os

    import mlflow.pyfunc
    from mlflow.pyfunc import scoring_server

    # As `mlflow models serve` has it: only then are times and bytes read from text.
    os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"
    model = mlflow.pyfunc.load_model(str(folder))
    schema = model.metadata.get_input_schema()
    answer = scoring_server.invocations(json.dumps(body), "application/json", model, schema)
    return json.loads(answer.response)["predictions"]


def table(frame: Any) -> dict[str, Any]:
    """Return a DataFrame as the data of a request, null standing for what is missing."""
    rows = frame.astype(object).where(frame.notna(), None).to_numpy()
    return {"names": list(frame.columns), "ndarray": plain(rows)}


def plain(value: Any) -> Any:
    """Return an answer as JSON has it; JSON has no NaN."""
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and value != value else value
