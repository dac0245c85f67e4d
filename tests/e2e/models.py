"""The models that the store's pod holds: those of the overlays, and for a rollout another one by its digest."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from server.artifact.digest import model_digest
from tests.e2e.errors import E2eError
from tests.e2e.rendered import Rendered

NEXT = "-next"


@dataclass(frozen=True)
class Models:
    """Model folders by URI; ``next`` is URI and digest of the one to roll out."""

    folders: dict[str, Path]
    next: tuple[str, str]


def choose(rendered: Iterable[Rendered], changed: Rendered, examples: Path, place: Path) -> Models:
    """Return the models of the overlays ``rendered``, and another one for ``changed``, made below ``place``.

    Raises:
        E2eError: a model is none of the ``examples``, or lies in no bucket.
    """
    found = folders([model for entry in rendered for model in entry.models], examples)
    ((uri, _),) = changed.models
    copy = place / "models" / found[uri].name
    shutil.copytree(found[uri], copy)
    (copy / "README.md").write_text("The same model once more: a file more makes another digest.\n")
    return Models({**found, uri + NEXT: copy}, (uri + NEXT, model_digest(copy)))


def folders(models: Iterable[tuple[str, str]], examples: Path) -> dict[str, Path]:
    """Return the example model's folder for the URI of each of ``models`` (URI, digest), chosen by the digest.

    Raises:
        E2eError: a model is none of the examples, or lies in no bucket.
    """
    known = {model_digest(folder): folder for folder in sorted(examples.iterdir()) if folder.is_dir()}
    chosen = {}
    for uri, digest in models:
        if digest not in known or urlsplit(uri).scheme != "s3":
            raise E2eError(
                f"STORE=pod holds the models of examples/ below s3:// only, and {uri} ({digest}) is none of them: choose "
                "others by OVERLAYS, or give the account of your own store"
            )
        chosen[uri] = known[digest]
    return chosen
