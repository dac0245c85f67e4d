"""The verb ``inspect``: what a model is, without loading it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from server.artifact import local
from server.artifact.local import LocalFolder
from server.artifact.progress import Progress
from server.artifact.source import shown
from server.artifact.source import source as source_of
from server.artifact.store_client import strip_environment
from server.pins.contract import contract, text
from server.settings import FetchSettings


def inspect(source: str, settings: FetchSettings, *, as_json: bool) -> str:
    """Return what the model at ``source``, a URI as for ``fetch`` or a folder, is: as text or as JSON.

    The JSON depends on the model's bytes and on FETCH_SIGNATURE_KEY only, so that it can be kept in git.

    Raises:
        ServerError: see server.errors, from SourceNotFound to BadArtifact.
    """
    strip_environment()
    folder = _folder(source)
    if folder is not None:
        LocalFolder(source, folder, settings).check()
        return _shown(folder, source, settings, as_json=as_json)
    found = source_of(source, settings)
    with tempfile.TemporaryDirectory(prefix="inspect-") as scratch:
        content = Path(scratch) / "aside" / "content"
        content.mkdir(parents=True)
        with Progress(shown(source)) as progress:
            found.copy(content, progress)
        return _shown(content, shown(source), settings, as_json=as_json)


def _folder(source: str) -> Path | None:
    if "://" not in source and not source.startswith(("models:", "runs:")):
        return Path(source)
    return local.path(source) if source.startswith("file:") else None


def _shown(folder: Path, uri: str, settings: FetchSettings, *, as_json: bool) -> str:
    content = contract(folder, uri, settings.signature_key)
    return json.dumps(content, indent=2, ensure_ascii=False) if as_json else text(content)
