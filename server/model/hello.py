"""What the model's process is told: what to load when it has started, and then how it will be called."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from server import mlmodel
from server.cpus import granted
from server.errors import BadData
from server.mlmodel import Model
from server.model.plan import methods, plan
from server.model.spinning import spin_seconds
from server.settings import ServeSettings

# A call: its header and values.
Example = tuple[dict[str, Any], list[Any]]

log = logging.getLogger(__name__)


def read(settings: ServeSettings) -> Model:
    """Return the model that is served.

    Raises:
        NotAModel: the folder in the settings holds no MLflow model.
    """
    return mlmodel.read(Path(settings.model_uri))


def hello(settings: ServeSettings, model: Model) -> dict[str, Any]:
    """Return which model to load, how, by which methods it will be called and with which columns.

    Raises:
        NotAModel: the model has no flavour that can be loaded.
    """
    return {
        "folder": str(model.folder.absolute()),  # It runs in another folder.
        "plan": plan(model, settings.xtype),
        "methods": methods(model, settings.predict_method),
        "inputs": _columns(model),
    }


def _columns(model: Model) -> list[str] | None:
    """Return the names of the signature's columns, in whose order the model is called."""
    names = model.inputs.names if model.inputs and model.inputs.columns else None
    return None if names is None else [str(name) for name in names]


def setup(settings: ServeSettings, edges: int, example: Example | None) -> dict[str, Any]:
    """Return what the process is told after ``hello``.

    That is how many ``processes`` answer calls, how many ``edges`` call them, how long they ``spin``, how ``batching`` is set,
    the ``largest`` answer in bytes, and whether there is an ``example``, which it may ask for.
    """
    return {
        "processes": settings.model_processes,
        "edges": edges,
        "spin": spin_seconds(settings, edges, granted(settings.cpu_request)),
        "batching": settings.batching,
        "largest": settings.max_answer_bytes,
        "example": example is not None,
    }


def example_call(settings: ServeSettings, model: Model) -> Example | None:
    """Return a call made of a few rows of the model's input example, where calls of that kind can be batched."""
    # The process loads the model while this is imported.
    from server.example import example
    from server.model.batch import rows
    from server.model.worker.batching import SINGLES
    from server.protocol.arguments import arguments
    from server.protocol.decode import decode
    from server.protocol.form import form
    from server.protocol.json_data import tabled
    from server.protocol.parameters import parameters

    if settings.batching == "off" or model.chats:
        return None
    message = example(model)
    if message is None:
        return None
    try:
        chosen = form(model, settings.xtype)
        request = tabled(decode(message), model.inputs, nested=chosen.nested)
        call = arguments(request, model.inputs, chosen)
        params = parameters(request.params, model.params)
    except BadData as error:
        log.warning("the input example is passed over: it is no call of the model: %s", error)
        return None
    if not rows(call.header, call.values):
        return None
    header = {**call.header, "params": params} if params else call.header
    return header, [value[:SINGLES] for value in call.values]
