"""The models that the store's pod holds: those of the overlays, and for a rollout another one by its digest."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gitops.local.models import EXAMPLES, KEPT
from server.artifact.digest import model_digest
from tests.e2e.errors import E2eError
from tests.e2e.rendered import Rendered
from tests.e2e.tree import Tree
from tests.project import ROOT

NEXT = "-next"
# Of the models that pods take from elsewhere where they run for good.
BUCKET = "e2e"


@dataclass(frozen=True)
class Models:
    """Model folders by URI; ``next`` is URI and digest of the one to roll out."""

    folders: dict[str, Path]
    next: tuple[str, str]


def into_the_store(tree: Tree) -> dict[str, str]:
    """Let all overlays of ``tree`` take their models from s3://; return what those that did not are pinned by.

    Raises:
        BadManifest, ServerError: the files of an overlay are not such as a promotion writes.
    """
    pinned = {}
    for name, node in tree.nodes():
        if urlsplit(node.model_uri).scheme != "s3":
            uri = f"s3://{BUCKET}/{node.model_digest.partition(':')[2]}"
            tree.use_model(name, uri, node.model_digest)
            pinned[uri] = node.model_uri
    return pinned


def choose(
    rendered: Iterable[Rendered], changed: Rendered, pinned: Mapping[str, str], origin: Path, place: Path
) -> Models:
    """Return the models of the overlays ``rendered``, and another one for ``changed``, made below ``place``.

    ``pinned`` is what ``into_the_store`` returned. A model is one that was promoted on this machine, an example of the
    tree ``origin``, or what the environment's accounts let be fetched.

    Raises:
        E2eError: a model cannot be had.
    """
    known = {model_digest(folder): folder for folder in sorted(origin.glob(EXAMPLES))}
    found: dict[str, Path] = {}
    for uri, digest in (model for entry in rendered for model in entry.models):
        kept = ROOT / KEPT / digest.replace(":", "-")
        if kept.is_dir():
            found[uri] = kept
        elif digest in known:
            found[uri] = known[digest]
        elif uri not in found:
            found[uri] = _fetch(pinned.get(uri, uri), digest, place / "fetched" / digest.partition(":")[2])
    ((uri, _),) = changed.models
    copy = place / "models" / found[uri].name
    shutil.copytree(found[uri], copy)
    (copy / "README.md").write_text("The same model once more: a file more makes another digest.\n")
    return Models({**found, uri + NEXT: copy}, (uri + NEXT, model_digest(copy)))


def _fetch(uri: str, digest: str, target: Path) -> Path:
    """Fetch a model as its pod does, by the environment's own accounts.

    Raises:
        E2eError: it cannot be fetched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "server", "fetch", uri, str(target), "--digest", digest],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise E2eError(
            f"{uri} ({digest}), which STORE=pod is to hold, is not on this machine and cannot be fetched: {said}\nSet the "
            "variables of its store or registry, promote it again here, which keeps it, or choose others by OVERLAYS"
        )
    return target
