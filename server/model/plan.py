"""How a model is loaded in its own process, decided from its MLmodel file."""

from __future__ import annotations

from typing import Any

from server.errors import NotAModel
from server.mlmodel import Model

PICKLES = ("pickle", "cloudpickle")


def plan(model: Model) -> dict[str, Any]:
    """Return what ``server.model.worker.load`` needs to know, as JSON.

    A scikit-learn model is loaded natively, which gives every method of the estimator and spares
    importing mlflow; any other through its ``python_function`` flavour.

    Raises:
        NotAModel: the model has no flavour that can be loaded.
    """
    sklearn = model.flavors.get("sklearn")
    if sklearn is not None:
        return _sklearn(model, sklearn)
    if "python_function" in model.flavors:
        return {"loader": "pyfunc", "code": model.flavors["python_function"].get("code")}
    raise NotAModel(
        f"{model.folder}: flavours {', '.join(sorted(model.flavors))} cannot be loaded: a model needs the "
        "flavour sklearn or python_function; log it with one of them"
    )


def _sklearn(model: Model, flavor: dict[str, Any]) -> dict[str, Any]:
    form = flavor.get("serialization_format", "pickle")
    path = flavor.get("pickled_model")
    if not isinstance(path, str):
        raise NotAModel(
            f"{model.folder}/MLmodel: the flavour sklearn has no pickled_model; log the model again"
        )
    common = {"path": path, "code": flavor.get("code")}
    if form == "skops":
        return {"loader": "skops", "trusted": flavor.get("skops_trusted_types"), **common}
    if form in PICKLES:
        return {"loader": "pickle", "module": form, **common}
    raise NotAModel(
        f"{model.folder}/MLmodel: serialization_format {form!r} is not known; it must be skops, "
        f"{' or '.join(PICKLES)}"
    )
