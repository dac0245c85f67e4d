"""Training the example models, and pinning them in the overlays that serve them."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gitops.command import Run, print_lines
from gitops.errors import TrainFailed
from gitops.files import set_scalars, write_all
from gitops.manifests import contract, graphnode
from gitops.manifests.rendered import node_files
from gitops.promote.model import describe
from server.environment import requirements_lock
from server.errors import ServerError

SCRIPT = "examples/iris/train.py"
MODELS = "examples/iris/models"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare no argument."""
    return lambda arguments, root: print_lines(train(root))


def train(root: Path) -> Iterator[str]:
    """Train the example models of the repository ``root`` and yield what was pinned, a line for each overlay.

    Raises:
        TrainFailed: the script does not end well; what it says stands above.
    """
    done = subprocess.run([sys.executable, root / SCRIPT, root / MODELS], cwd=root, check=False)
    if done.returncode != 0:
        raise TrainFailed(f"{SCRIPT} ended with exit code {done.returncode}")
    yield from pin_examples(root)


def pin_examples(root: Path) -> Iterator[str]:
    """Pin each example model in every overlay whose modelUri ends with its name, and yield a line for each.

    Its digest goes into node.yaml, what it is into contract.json, and its resolved requirements into
    requirements.lock.

    Raises:
        TrainFailed: a model cannot be inspected, or its requirements do not resolve.
    """
    models = {model.name: model for model in sorted((root / MODELS).iterdir())}
    for file in node_files(root):
        entry = graphnode.read_node(file.parent)
        model = models.get(entry.model_uri.rstrip("/").rpartition("/")[2]) if entry else None
        if model is not None:
            try:
                made = describe(model)
            except ServerError as error:
                raise TrainFailed(f"{model}: {error}") from error
            text = set_scalars(file.read_text(), ("spec",), {"modelDigest": made.digest}, origin=str(file))
            write_all(
                {
                    file: text,
                    file.parent / contract.FILE: made.contract,
                    file.parent / requirements_lock.FILE: made.lock,
                }
            )
            yield f"{file.relative_to(root)}: {made.digest}"
