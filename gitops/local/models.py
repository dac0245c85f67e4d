"""Where a local run takes models from: this machine if it has them, else where the pods fetch them."""

from __future__ import annotations

import fnmatch
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from gitops.errors import GitopsError, NotRunnable
from gitops.local.runtime import Command
from gitops.local.store import Store
from gitops.manifests.graphnode import GraphNode, read_node
from gitops.manifests.rendered import node_files

# The models that were promoted here, each in a folder named by its digest.
KEPT = Path(".cache/models")
# Each lies wherever an overlay's modelUri, ending with its name, points to.
EXAMPLES = "examples/*/models/*"
# By the scheme of a URI, the variables that say where that is and who asks.
_ACCOUNTS = {"s3": "AWS_*", "gs": "GOOGLE_*", "az": "AZURE_*", "models": "MLFLOW_*", "runs": "MLFLOW_*"}
# A registry's model lies in a store.
_CALLERS = (*_ACCOUNTS.values(), "DATABRICKS_*", "FETCH_*", "USE_SSL")


def keep(root: Path, digest: str, model: Path) -> None:
    """Move the folder ``model`` to where the local runs of ``root`` find it; of the others only those that are pinned stay."""
    target = _place(root, digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as aside:
            # In two steps: it may come from another file system.
            moved = Path(shutil.move(model, Path(aside, "model")))
            moved.replace(target)
    pinned = {_place(root, found.model_digest) for found in _nodes(root)}
    for folder in target.parent.glob("sha256-*"):
        if folder != target and folder not in pinned:
            shutil.rmtree(folder)


def is_kept(root: Path, digest: str) -> bool:
    """Return whether the local runs of ``root`` find the model of this digest on this machine."""
    return _place(root, digest).is_dir()


class Models:
    """The models of the overlays of ``root``, of which ``store`` gets those that are here and that pods take from S3.

    Without a store pods take them from their folders.
    """

    def __init__(self, root: Path, store: Store | None) -> None:
        self._stored: set[str] = set()
        # By their digests.
        self._here: dict[str, Path] = {}
        examples = {model.name: model for model in sorted(root.glob(EXAMPLES))}
        for found in _nodes(root):
            bucket, _, key = found.model_uri.removeprefix("s3://").rstrip("/").partition("/")
            kept = _place(root, found.model_digest)
            model = kept if kept.is_dir() else examples.get(key.rpartition("/")[2])
            if kept.is_dir() or (model and found.model_uri.startswith("s3://")):
                self._here[found.model_digest] = model or kept
            if (
                store
                and model
                and found.model_uri.startswith("s3://")
                and found.model_uri not in self._stored
            ):
                store.upload(model, bucket, key)
                self._stored.add(found.model_uri)

    def __call__(self, command: Command) -> Command:
        """Return the command of a container, which fetches its model from where this machine can have it.

        Raises:
            NotRunnable: it is not here, and nothing says who asks for it elsewhere.
        """
        arguments, environ = command
        verb, *options = arguments[arguments.index("server") + 1 :]
        if verb != "fetch" or not options or options[0] in self._stored:
            return command
        uri = options[0]
        here = [self._here[option] for option in options if option in self._here]
        if here:
            return [here[0].as_uri() if argument == uri else argument for argument in arguments], environ
        return arguments, _as_caller(uri, environ, os.environ)


def _as_caller(uri: str, environ: Mapping[str, str], caller: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` with the accounts of ``caller`` in place of those of the manifest."""
    needed = _ACCOUNTS.get(uri.partition(":")[0])
    if needed and not fnmatch.filter(caller, needed):
        raise NotRunnable(
            f"{uri} is not on this machine: set the variables {needed} by which it can be read, or promote it again "
            "here, which keeps it (`make promote`)"
        )
    others = {name: value for name, value in environ.items() if not _is_account(name)}
    return others | {name: value for name, value in caller.items() if _is_account(name)}


def _is_account(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in _CALLERS)


def _nodes(root: Path) -> Iterator[GraphNode]:
    for file in node_files(root):
        try:
            found = read_node(file.parent)
        except GitopsError:
            continue  # The overlay's own start reports why it fails.
        if found is not None:
            yield found


def _place(root: Path, digest: str) -> Path:
    return (root / KEPT).resolve() / digest.replace(":", "-")
