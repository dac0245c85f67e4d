"""A model before it runs: fetched, described and locked, with its Python environment. None of its code has run yet.

All that needs credentials is here: the registry, the store and the package index are asked in no other place.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from gitops.pins import pins
from gitops.promote.example import Chosen, Example, choose
from gitops.promote.origin import pinned
from server.artifact.fetch import fetch
from server.artifact.source import shown
from server.environment.build import build
from server.setting import load
from server.settings import EnvironmentSettings, FetchSettings

_FILE = "prepared.json"


@dataclass(frozen=True)
class Prepared:
    """What is pinned of the model asked for as ``origin``, and the Seldon message that it is tried with, or None.

    ``uri`` and ``digest`` are of node.yaml, ``contract`` and ``lock`` the texts of the files.
    """

    origin: str
    uri: str
    digest: str
    contract: str
    lock: str
    chosen: Chosen


def prepare(origin: str, folder: Path, said: Example | None = None, last: Example | None = None) -> Prepared:
    """Fetch the model ``origin`` into ``folder``/model, and return what is to be known of it.

    It is tried with what is ``said``, its own input example, or what its overlay was promoted with ``last``.

    Raises:
        BadArgument: pods could not read it from there.
        NoExample: there is nothing to try it with.
        ServerError: it cannot be had or described, or its requirements do not resolve.
    """
    settings = load(FetchSettings, os.environ)
    uri = pinned(origin, settings)
    fetch(uri, folder / "model", settings, digest=None)
    chosen = choose(folder / "model", shown(uri), said, last)
    described = pins(folder / "model")
    return Prepared(origin, uri, described.digest, described.contract, described.lock, chosen)


def make_environment(prepared: Prepared, folder: Path) -> None:
    """Make the model's Python environment in ``folder``/environment, unless it is there.

    Raises:
        ServerError: it cannot be made.
    """
    if (folder / "environment" / "current").exists():
        return
    lock = folder / "requirements.lock"
    lock.write_text(prepared.lock, encoding="utf-8")
    settings = load(EnvironmentSettings, {**os.environ, "ENVIRONMENT_LOCK": str(lock)})
    build(folder / "model", folder / "environment", settings)


def save(prepared: Prepared, folder: Path) -> None:
    """Write it down in ``folder``, for another process."""
    (folder / _FILE).write_text(json.dumps(asdict(prepared)), encoding="utf-8")


def saved(folder: Path) -> Prepared:
    """Return what ``save`` wrote into ``folder``."""
    said = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    return Prepared(**{**said, "chosen": Chosen(**said["chosen"])})
