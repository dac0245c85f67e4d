"""What git says of a model beside an overlay's node.yaml: its contract and the lock of its requirements."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from server.artifact.inspect import inspect
from server.environment import locking
from server.setting import load
from server.settings import EnvironmentSettings, FetchSettings


@dataclass(frozen=True)
class Pins:
    """The model's digest, and the texts of its contract.json and requirements.lock."""

    digest: str
    contract: str
    lock: str


def pins(model: Path) -> Pins:
    """Return the pins of the model in the folder ``model``.

    Raises:
        ServerError: it cannot be inspected, or its requirements do not resolve.
    """
    contract = inspect(str(model.resolve()), load(FetchSettings, os.environ), as_json=True)
    lock = locking.make(model, load(EnvironmentSettings, os.environ))
    return Pins(json.loads(contract)["digest"], f"{contract}\n", lock)
