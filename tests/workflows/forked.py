"""The project in the hands of someone else: adopted, with an image and a model of their own, and none of the examples."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

from gitops.adopt import Names, adopt
from gitops.files import set_scalars
from gitops.manifests.graphnode import FILE as NODE
from gitops.promote.new_overlay import new_overlay
from gitops.release.pin import pin
from server.pins.expectation import FILE as EXPECTED
from server.pins.expectation import MODELS
from tests import project
from tests.workflows.history import History
from tests.workflows.released import DIGEST

OVERLAY = "overlays/churn"
URI = "s3://acme-models/churn/8"
EXAMPLES = ("model", "preprocessor", "postprocessor", "pipeline")


def fork(history: History, folder: Path) -> None:
    """Make main what a fork's main is; its files are made in ``folder``."""
    project.copy(folder)
    # What git has, adopt writes to.
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", "-C", folder, *arguments], check=True)
    list(adopt(folder, Names("acme", "models", "acme-models")))
    list(pin(folder, DIGEST))
    _overlay(folder)
    for name in EXAMPLES:
        shutil.rmtree(folder / "overlays" / name)
    shutil.rmtree(folder / "examples")
    history.take(folder)


def _overlay(root: Path) -> None:
    """Add an overlay with the files that a promotion of the example model would have written."""
    new_overlay(root, Path(OVERLAY).name, "MODEL", "", io.StringIO())
    source, target = root / "overlays" / "model", root / OVERLAY
    expected = json.loads((source / EXPECTED).read_text())
    (digest,) = expected[MODELS].values()
    expected[MODELS] = {target.name: digest}
    (target / EXPECTED).write_text(f"{json.dumps(expected, indent=2)}\n")
    for name in ("contract.json", "requirements.lock"):
        shutil.copy(source / name, target / name)
    values = {"modelUri": URI, "modelDigest": digest}
    file = target / NODE
    file.write_text(set_scalars(file.read_text(), ("spec",), values, origin=str(file)))
