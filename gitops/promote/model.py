"""A model before it runs: its URI resolved, fetched, described and locked, with its Python environment.

All that needs credentials is here: no other module contacts the registry, the store or the package index.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from gitops.errors import BadArgument
from gitops.manifests.graphnode import is_immutable
from gitops.progress import step
from gitops.promote.example import Example, ExampleRequest, choose
from server.artifact import registry
from server.artifact.fetch import fetch
from server.artifact.source import shown
from server.environment.build import build
from server.pins import locking
from server.pins.contract import inspect
from server.settings import EnvironmentSettings, FetchSettings
from server.settings_loader import load

_FILE = "prepared.json"


@dataclass(frozen=True)
class FetchedModel:
    """What is pinned of the model asked for as ``origin``, and the Seldon message that it is tried with, or None.

    ``uri`` and ``digest`` are of node.yaml, ``contract`` and ``lock`` the texts of the files.
    """

    origin: str
    uri: str
    digest: str
    contract: str
    lock: str
    chosen: ExampleRequest


def fetch_model(
    origin: str, folder: Path, given: Example | None = None, last: Example | None = None
) -> FetchedModel:
    """Fetch the model ``origin`` into ``folder``/model, and return what is to be known of it.

    It is tried with what is ``given``, its own input example, or what its overlay was promoted with ``last``.

    Raises:
        BadArgument: pods could not read it from there.
        NoExample: there is nothing to try it with.
        ServerError: it cannot be had or described, or its requirements do not resolve.
    """
    settings = load(FetchSettings, os.environ)
    with step(f"fetch {shown(origin)}"):
        uri = resolve(origin, settings)
        fetch(uri, folder / "model", settings, digest=None)
    chosen = choose(folder / "model", shown(uri), given, last)
    with step("resolve its requirements for each Python"):
        described = describe(folder / "model")
    return FetchedModel(origin, uri, described.digest, described.contract, described.lock, chosen)


def build_environment(fetched: FetchedModel, folder: Path) -> None:
    """Make the model's Python environment in ``folder``/environment, unless it is there.

    Raises:
        ServerError: it cannot be made.
    """
    if (folder / "environment" / "current").exists():
        return
    lock = folder / "requirements.lock"
    lock.write_text(fetched.lock, encoding="utf-8")
    settings = load(EnvironmentSettings, {**os.environ, "ENVIRONMENT_LOCK": str(lock)})
    with step("make its Python environment"):
        build(folder / "model", folder / "environment", settings)


def save(fetched: FetchedModel, folder: Path) -> None:
    """Write it down in ``folder``, for another process."""
    (folder / _FILE).write_text(json.dumps(asdict(fetched)), encoding="utf-8")


def read_saved(folder: Path) -> FetchedModel:
    """Return what ``save`` wrote into ``folder``."""
    message = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    return FetchedModel(**{**message, "chosen": ExampleRequest(**message["chosen"])})


# Where a pod's fetch finds a model without asking a tracking server.
_STORES = ("s3://", "gs://", "az://", "abfs://", "abfss://", "wasb://", "wasbs://")


def resolve(model: str, settings: FetchSettings) -> str:
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


@dataclass(frozen=True)
class Description:
    """The model's digest, and the texts of its contract.json and requirements.lock."""

    digest: str
    contract: str
    lock: str


def describe(model: Path) -> Description:
    """Return the pins of the model in the folder ``model``.

    Raises:
        ServerError: it cannot be inspected, or its requirements do not resolve.
    """
    contract = inspect(str(model.resolve()), load(FetchSettings, os.environ), as_json=True)
    lock = locking.make(model, load(EnvironmentSettings, os.environ))
    return Description(json.loads(contract)["digest"], f"{contract}\n", lock)
