"""What a promotion starts from: the model that a person names, and the URI that will mean it for ever."""

from __future__ import annotations

from gitops.errors import BadArgument
from gitops.manifests.graphnode import is_immutable
from server.artifact import registry
from server.settings import FetchSettings

# Where a pod's fetch finds a model without asking a tracking server.
_STORES = ("s3://", "gs://", "az://", "abfs://", "abfss://", "wasb://", "wasbs://")


def pinned(model: str, settings: FetchSettings) -> str:
    """Return the URI to pin for ``model``: a place in a store, or a version of a registered model.

    A name of MLflow becomes the place that it stands for now, so that pods need no tracking server; where the
    tracking server hands out the files itself, it becomes the version.

    Raises:
        BadArgument: pods could not read it from there.
        ServerError: the tracking server refuses, does not answer, or knows no such model.
    """
    if model.startswith((*_STORES, "https://")):
        return model.rstrip("/")
    if not model.startswith(("models:", "runs:")):
        raise BadArgument(
            f"model {model!r}: must be models:/name@alias, models:/name/version, runs:/run/path or the folder of a "
            f"model in a store ({', '.join(_STORES[:3])} or an archive at https://): a pod reads it from there"
        )
    names = registry.way(model, settings)
    place = names[-1].rstrip("/")
    if place.startswith(_STORES):
        return place
    versions = [name.rstrip("/") for name in names if is_immutable(name.rstrip("/"))]
    if not place.startswith(("mlflow-artifacts:", "http://", "https://")):
        raise BadArgument(
            f"model {model}: its files are at {place}, where pods cannot read them; log it to an object store, or let "
            "the tracking server hand out its artifacts (--serve-artifacts)"
        )
    if not versions:
        raise BadArgument(
            f"model {model}: its files are at {place}, which no version leads to; register it, and promote models:/name/version"
        )
    return versions[0]
