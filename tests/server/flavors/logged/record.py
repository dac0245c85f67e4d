"""Keep what a model answered when it was logged, for the server's answers to be compared with.

Runs in the environment of whatever logs a model: Python 3.8 and later, with numpy.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scoring_server import Scoring


class Record:
    """The answers of one model and of MLflow's scoring server for it, written beside its folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.with_suffix(".json")
        self._scoring = Scoring.of(folder)
        self._entries: list[dict[str, Any]] = []

    def add(
        self,
        data: dict[str, Any],
        answer: Any,
        *,
        names: list[str] | None = None,
        error: str = "",
        about: str = "",
        mistaken: Any = None,
        **parameters: str,
    ) -> None:
        """Keep that a server with these graph parameters must answer with ``answer``, and these names of columns if given.

        ``data`` is that of a request, or a whole request with jsonData or strData. ``error`` is what the message of a failed
        call begins with, ``about`` what docs/flavors.md calls the answer, and ``mistaken`` the model's answer for the names of
        the columns, for which MLflow may take a table.
        """
        outcome = {"answer": plain(answer), "names": names, "error": error, "about": about}
        self._keep(
            data, outcome if mistaken is None else {**outcome, "mistaken": plain(mistaken)}, parameters
        )

    def refuse(self, data: dict[str, Any], words: str, **parameters: str) -> None:
        """Keep that it must be refused with these ``words``."""
        self._keep(data, {"refused": words}, parameters)

    def _keep(self, data: dict[str, Any], outcome: dict[str, Any], parameters: dict[str, str]) -> None:
        message = data if data.keys() & {"jsonData", "strData", "binData"} else {"data": data}
        entry = {"parameters": parameters, "message": message, **outcome}
        # MLflow serves no other method.
        if self._scoring and "predict_method" not in parameters:
            entry["mlflow"] = self._scoring.answer(self._scoring.body(message))
        self._entries.append(entry)
        self._path.write_text(json.dumps(self._entries, indent=1))


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
