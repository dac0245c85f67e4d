"""The verb ``fetch``: a model's files into a folder, verified before anything can load them."""

from __future__ import annotations

import logging
from pathlib import Path

from server import mlmodel
from server.artifact import digest as digests
from server.artifact.digest import model_digest
from server.artifact.local import LocalFolder
from server.artifact.progress import Progress, size
from server.artifact.source import source as source_of
from server.artifact.staging import Staging
from server.errors import BadArtifact, BadDestination, DigestMismatch, NotAModel
from server.settings import FetchSettings

log = logging.getLogger(__name__)


def fetch(source: str, dest: Path, settings: FetchSettings, *, digest: str | None) -> None:
    """Copy the model at ``source`` into ``dest``, which then holds all of it, or nothing.

    With ``digest`` (``sha256:…``) any other model is refused. A destination that holds the same model
    already is left as it is.

    Raises:
        ServerError: see server.errors, from SourceNotFound to BadArtifact.
    """
    if digest is not None:
        digests.check(digest)
    found = source_of(source, settings)
    with Staging(dest) as staging:
        held = _held(staging, settings)
        if held is not None and held == digest:
            log.info("%s is already in %s: digest %s", source, dest, held)
            return
        if held is not None and digest is not None:
            raise _foreign(dest, f"the digest of what is there is {held}, the pinned one {digest}")
        log.info("fetching %s into %s", source, dest)
        with Progress(source) as progress:
            found.copy(staging.folder, progress)
            mlmodel.read(staging.folder)
            actual = model_digest(staging.folder)
        if digest is not None and actual != digest:
            raise DigestMismatch(
                f"{source}: its digest is {actual}, the pinned one {digest}; nothing is left in {dest}. "
                "Either someone changed the model, or the overlay pins another one: compare them, then correct "
                "modelDigest or put the right model there"
            )
        if held is not None and held != actual:
            raise _foreign(dest, f"the digest of what is there is {held}, the model's {actual}")
        files = sum(path.is_file() for path in staging.folder.rglob("*"))
        if held is None:
            staging.publish()
    log.info(
        "%s %s: %d files, %s in %.1f s, digest %s, %s",
        "fetched" if held is None else "already there is",
        source,
        files,
        size(progress.bytes),
        progress.seconds,
        actual,
        "as pinned" if digest else "which nothing pins: give --digest to refuse any other",
    )


def _held(staging: Staging, settings: FetchSettings) -> str | None:
    """Return the digest of the model that the destination holds, or None where it is empty."""
    if not staging.present():
        return None
    try:
        LocalFolder(str(staging.dest), staging.dest, settings).check()
        return model_digest(staging.dest)
    except (NotAModel, BadArtifact) as error:
        raise _foreign(staging.dest, str(error)) from error


def _foreign(dest: Path, why: str) -> BadDestination:
    return BadDestination(
        f"{dest}: holds something that this fetch did not put there ({why}); give an empty folder"
    )
