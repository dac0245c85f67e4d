"""The handshake with the model's process: what to load, and then how it will be called."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from server import mlmodel
from server.container import available_cpus
from server.mlmodel import Model
from server.mlmodel.load_plan import methods, plan
from server.settings import ServeSettings
from server.telemetry.log_lines import is_json

# A call: its header and values.
Example = tuple[dict[str, Any], list[Any]]

log = logging.getLogger(__name__)


def read(settings: ServeSettings) -> Model:
    """Return the model that is served.

    Raises:
        NotAModel: the folder in the settings holds no MLflow model.
    """
    return mlmodel.read(Path(settings.model_uri))


def handshake(settings: ServeSettings, model: Model) -> dict[str, Any]:
    """Return the first frame: which model to load, how, its methods and input columns, and whether the log's lines are JSON.

    Raises:
        NotAModel: the model has no flavour that can be loaded.
    """
    return {
        "folder": str(model.folder.absolute()),  # It runs in another folder.
        "plan": plan(model, settings.xtype),
        "methods": methods(model, settings.predict_method),
        "inputs": _columns(model),
        "json_lines": is_json(),
    }


def _columns(model: Model) -> list[str] | None:
    """Return the names of the signature's columns, in whose order the model is called."""
    names = model.inputs.names if model.inputs and model.inputs.columns else None
    return None if names is None else [str(name) for name in names]


def setup(settings: ServeSettings, server_processes: int, example: Example | None) -> dict[str, Any]:
    """Return the second frame, sent when the server knows its own processes.

    That is how many ``server_processes`` call it, how long processes of the model busy-poll (``spin``), how ``batching`` is set, the
    ``largest`` answer in bytes, how long another process may take to load the model (``load_seconds``), and whether there is
    an ``example``, which it may ask for.
    """
    return {
        "server_processes": server_processes,
        "spin": busy_poll_seconds(settings, server_processes, available_cpus(settings.cpu_request)),
        "batching": settings.batching,
        "largest": settings.max_answer_bytes,
        "load_seconds": settings.load_seconds,
        "example": example is not None,
    }


def busy_poll_seconds(settings: ServeSettings, server_processes: int, cpus: int) -> float:
    """Return how long the processes may busy-poll, in seconds: 0 unless each of them has a CPU of its own."""
    return settings.spin_microseconds / 1e6 if server_processes + settings.model_processes <= cpus else 0.0
