"""What the model's process is told when it has started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from server import mlmodel
from server.mlmodel import Model
from server.model.plan import methods, plan
from server.settings import ServeSettings


def read(settings: ServeSettings) -> Model:
    """Return the model that is served.

    Raises:
        NotAModel: the folder in the settings holds no MLflow model.
    """
    return mlmodel.read(Path(settings.model_uri))


def hello(settings: ServeSettings, model: Model) -> dict[str, Any]:
    """Return which model to load, how, and by which methods it will be called.

    Raises:
        NotAModel: the model has no flavour that can be loaded.
    """
    return {
        "folder": str(model.folder),
        "plan": plan(model, settings.xtype),
        "methods": methods(model, settings.predict_method),
    }
