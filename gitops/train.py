"""Training the example models again, and pinning them in the overlays that serve them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gitops import node
from gitops.errors import TrainFailed
from server.artifact.digest import model_digest

SCRIPT = "examples/iris/train.py"
MODELS = "examples/iris/models"
_PINNED = re.compile(r"^(\s*modelDigest:\s*)\S+", re.MULTILINE)


def train(root: Path) -> Iterator[str]:
    """Train the example models of the repository ``root`` and yield what was pinned, a line for each overlay.

    Raises:
        TrainFailed: the script does not end well; what it says stands above.
    """
    done = subprocess.run([sys.executable, root / SCRIPT, root / MODELS], cwd=root, check=False)
    if done.returncode != 0:
        raise TrainFailed(f"{SCRIPT} ended with exit code {done.returncode}")
    yield from pin(root)


def pin(root: Path) -> Iterator[str]:
    """Pin each example model in every overlay whose modelUri ends with its name, and yield a line for each.

    Its digest goes into node.yaml, what it is into contract.json, and its resolved requirements into
    requirements.lock.

    Raises:
        TrainFailed: a model cannot be inspected, or its requirements do not resolve.
    """
    models = {model.name: model for model in sorted((root / MODELS).iterdir())}
    for file in sorted((root / "overlays").glob(f"*/{node.FILE}")):
        entry = node.read_node(file.parent)
        model = models.get(entry.model_uri.rstrip("/").rpartition("/")[2]) if entry else None
        if model is not None:
            digest = model_digest(model)
            contract, lock = _server("inspect", model, "--json"), _server("lock", model)
            file.write_text(_PINNED.sub(rf"\g<1>{digest}", file.read_text()))
            (file.parent / "contract.json").write_text(contract)
            (file.parent / "requirements.lock").write_text(lock)
            yield f"{file.relative_to(root)}: {digest}"


def _server(verb: str, model: Path, *options: str) -> str:
    """Return what a verb of the server prints of a model."""
    command = [sys.executable, "-m", "server", verb, str(model.resolve()), *options]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise TrainFailed(
            f"`server {verb}` of {model.name} ended with exit code {done.returncode}; see above"
        )
    return done.stdout
