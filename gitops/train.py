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
    """Write the digest of each example model into the node.yaml of every overlay whose modelUri ends with it."""
    digests = {model.name: model_digest(model) for model in sorted((root / MODELS).iterdir())}
    for file in sorted((root / "overlays").glob(f"*/{node.FILE}")):
        entry = node.read_node(file.parent)
        digest = digests.get(entry.model_uri.rstrip("/").rpartition("/")[2]) if entry else None
        if digest is not None:
            file.write_text(_PINNED.sub(rf"\g<1>{digest}", file.read_text()))
            yield f"{file.relative_to(root)}: {digest}"
