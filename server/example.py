"""The input example that MLflow keeps beside a model, as a Seldon message."""

from __future__ import annotations

import json
import logging
from typing import Any

from server.mlmodel import Model

log = logging.getLogger(__name__)


def example(model: Model) -> dict[str, Any] | None:
    """Return a request made of the model's input example, or None where it has none that is a table, or a chat's object.

    Forms: mlflow/models/utils.py of MLflow 3 (``saved_input_example_info``).
    """
    said = model.input_example
    if not isinstance(said, dict) or not isinstance(said.get("artifact_path"), str):
        return None
    path = model.folder / said["artifact_path"]
    try:
        # MLflow writes NaN for a gap; JSON has null for that, and nothing for an infinity.
        content = json.loads(path.read_bytes(), parse_constant=lambda _: None)
    except (OSError, ValueError) as error:
        log.warning("the input example %s is passed over: %s", path, error)
        return None
    if model.chats and isinstance(content, dict):
        return {"jsonData": content}
    if said.get("type") == "dataframe" and isinstance(content, dict) and "data" in content:
        names = {"names": content["columns"]} if all_text(content.get("columns")) else {}
        return {"data": {**names, "ndarray": content["data"]}}
    if (
        said.get("type") == "ndarray"
        and isinstance(content, dict)
        and isinstance(content.get("inputs"), list)
    ):
        return {"data": {"ndarray": content["inputs"]}}
    return None


def all_text(value: Any) -> bool:
    """Whether a value is a list of strings."""
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
