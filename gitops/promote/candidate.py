"""The manifests as they would be: a copy of the tree with the new files in it, which can be rendered and compared."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath

from gitops.manifests.checkout import Checkout
from gitops.manifests.kustomization import kustomizations
from gitops.manifests.rendered import Rendered, render


@contextmanager
def candidate(root: Path, texts: Mapping[str, str]) -> Iterator[Checkout]:
    """Give a copy of the manifests below ``root`` in which the files ``texts``, by their paths, are written."""
    with tempfile.TemporaryDirectory(prefix="promote-") as scratch:
        copy = Path(scratch)
        for folder in sorted({PurePath(entry.folder).parts[0] for entry in kustomizations(root)}):
            shutil.copytree(root / folder, copy / folder, symlinks=True)
        for path, text in texts.items():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).write_text(text, encoding="utf-8")
        yield Checkout("the promotion", copy)


def built(side: Checkout, folder: str) -> Rendered:
    """Return what ``folder`` renders on this side.

    Raises:
        BuildFailed: kustomize refuses it.
        BadManifest: an object has a shape that its kind does not allow.
    """
    outcome = render(side.root, folder)
    if isinstance(outcome, Rendered):
        return outcome
    raise type(outcome)(side.words(outcome)) from outcome
