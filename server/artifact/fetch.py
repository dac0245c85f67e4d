"""The verb ``fetch``: a model's files into a folder, verified before anything can load them."""

from __future__ import annotations

import logging
from pathlib import Path

from server import mlmodel
from server.artifact import digest, registry
from server.artifact import digest as digests
from server.artifact.digest import model_digest
from server.artifact.local import LocalFolder
from server.artifact.progress import Progress, size
from server.artifact.source import names, shown
from server.artifact.source import source as source_of
from server.artifact.staging import Staging
from server.artifact.store_client import strip_environment
from server.errors import BadArtifact, BadDestination, DigestMismatch, NotAModel
from server.settings import FetchSettings
from server.telemetry import start_record

log = logging.getLogger(__name__)


def fetch(source: str, dest: Path, settings: FetchSettings, *, digest: str | None) -> None:
    """Copy the model at ``source`` into ``dest``, which then holds all of it, or nothing.

    With ``digest`` (``sha256:…``) any other model is refused. A destination that holds the same model
    already is left as it is; where the digest is given, the source is not contacted.

    Raises:
        ServerError: see server.errors, from BadSetting to BadSignature.
    """
    if digest is not None:
        digests.check(digest)
    strip_environment()
    uri = shown(source)
    with Staging(dest) as staging:
        held = _held(staging, settings)
        if held is not None and digest is not None:
            _agree(dest, held, digest)
            _verify(dest, uri, settings)
            log.info("%s is already in %s: digest %s, as pinned", uri, dest, held)
            return
        log.info("fetching %s into %s", uri, dest)
        with Progress(uri) as progress:
            way = names(source, settings)
            source_of(source, settings, way).copy(staging.folder, progress)
            actual = _checked(staging.folder, uri, digest, settings)
        sizes = [path.stat().st_size for path in staging.folder.rglob("*") if path.is_file()]
        if held is not None:
            _agree(dest, held, actual)
            log.info("%s is already in %s: digest %s", uri, dest, held)
            return
        staging.publish()
    start_record.write(
        dest / start_record.FETCH,
        seconds=progress.seconds,
        bytes=sum(sizes),
        digest=actual,
        model_version=registry.version(way),
    )
    log.info(
        "fetched %s: %d files, %s in %.1f s, digest %s, %s",
        uri,
        len(sizes),
        size(sum(sizes)),
        progress.seconds,
        actual,
        "as pinned" if digest else "not pinned: --digest refuses any other",
    )


def _checked(folder: Path, uri: str, digest: str | None, settings: FetchSettings) -> str:
    """Return the digest of the model in ``folder`` if it is as pinned, signed if it has to be, and a model."""
    actual = model_digest(folder)
    if digest is not None and actual != digest:
        raise DigestMismatch(
            f"{uri}: its digest is {actual}, the pinned one is {digest}; nothing of it is kept. Either the model "
            "was changed, or another one is pinned: compare them, and put the right model there or correct the pin"
        )
    _verify(folder, uri, settings)
    # Last: nothing of the model is read before it is known to be the right one.
    mlmodel.read(folder)
    return actual


def _verify(folder: Path, uri: str, settings: FetchSettings) -> None:
    """Check the model's signature if the settings ask for one."""
    if settings.signature_key:
        digest.verify_signature(folder, uri, settings.signature_key)
        log.info("%s is signed by the key %s", uri, settings.signature_key)


def _held(staging: Staging, settings: FetchSettings) -> str | None:
    """Return the digest of the model that the destination holds, or None where it is empty."""
    if not staging.present():
        return None
    try:
        LocalFolder(str(staging.dest), staging.dest, settings).check()
        return model_digest(staging.dest)
    except (NotAModel, BadArtifact) as error:
        raise _foreign(staging.dest, str(error)) from error


def _agree(dest: Path, held: str, wanted: str) -> None:
    if held != wanted:
        raise _foreign(dest, f"its digest is {held}, the model's is {wanted}")


def _foreign(dest: Path, why: str) -> BadDestination:
    return BadDestination(f"{dest}: holds something else already ({why}); give an empty folder")
