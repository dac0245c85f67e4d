"""A model that answers with what it was called with, and a signature for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.server.pickled import pickled

ECHO = """
class Model:
    def predict(self, given, params=None):
        return given
"""

COLUMNS = [
    {"name": "size", "type": "double", "required": True},
    {"name": "count", "type": "long", "required": True},
    {"name": "color", "type": "string", "required": True},
    {"name": "new", "type": "boolean", "required": True},
    {"name": "at", "type": "datetime", "required": True},
]


def echo(folder: Path, schema: list[dict[str, Any]] | None) -> Path:
    """Return a model folder whose signature has these inputs, and outputs like them, or none."""
    model = pickled(folder / "echo", ECHO)
    if schema is not None:
        text = json.dumps(schema)
        with (model / "MLmodel").open("a") as file:
            file.write(f"mlflow_version: 3.5.0\nsignature: {json.dumps({'inputs': text, 'outputs': text})}\n")
    return model
