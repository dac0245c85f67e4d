"""A model in an archive at an HTTP address: .tar.gz or .zip, since such an address cannot be listed."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.store import HTTPStore

from server.artifact import staging
from server.artifact.progress import Progress
from server.artifact.staging import check_space
from server.artifact.store_client import RETRIES, client_options
from server.artifact.store_errors import configured, reported
from server.artifact.unpack import CHUNK_BYTES, unpack
from server.errors import BadArtifact, BadSetting, SourceUnreachable
from server.settings import FetchSettings

TRIES = 3
SUFFIXES = (".tar.gz", ".tgz", ".zip")

log = logging.getLogger(__name__)


class Archive:
    """The model in the archive at an HTTP address.

    Raises:
        BadSetting: the address is not one of an archive, or holds credentials.
    """

    def __init__(self, url: str, settings: FetchSettings) -> None:
        parts = urlsplit(url)
        self._endpoint = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        # What follows the path is often a token.
        self._uri = f"{self._endpoint}{parts.path}"
        self._settings = settings
        if parts.username is not None:
            raise BadSetting(
                f"{self._uri}: must not hold credentials; give them in FETCH_AUTHORIZATION, from a secret"
            )
        suffix = next((suffix for suffix in SUFFIXES if parts.path.endswith(suffix)), None)
        if suffix is None:
            raise BadSetting(
                f"{self._uri}: must be an archive, {' or '.join(SUFFIXES)}: files cannot be listed over HTTP; "
                "give the address of an archive"
            )
        self._suffix = suffix
        options = client_options(settings)
        if settings.authorization:
            options["default_headers"] = {"Authorization": settings.authorization}
        with configured(self._uri):
            self._client = HTTPStore(url, client_options=options, retry_config=RETRIES)

    def copy(self, folder: Path, progress: Progress) -> None:
        """Write the model's files below ``folder``; the archive lies beside it meanwhile.

        Raises:
            ServerError: the address does not answer, or the archive is none, or may not be unpacked.
        """
        archive = folder.parent / f"archive{self._suffix}"
        asyncio.run(self._download(archive, progress))
        unpack(archive, folder, self._uri, self._settings)
        archive.unlink()

    async def _download(self, archive: Path, progress: Progress) -> None:
        """Fetch the archive: obstore goes on after a lost connection where the server can; else once more."""
        for left in reversed(range(TRIES)):
            with reported(self._uri, self._endpoint):
                answer = await obstore.get_async(self._client, "")
            total, held = answer.meta["size"], progress.bytes
            staging.check_limits(1, total, self._uri, self._settings)
            check_space(archive.parent, total)
            progress.total = total
            try:
                await self._write(answer, archive, progress)
            except SourceUnreachable as error:
                if not left:
                    raise
                pause = random.uniform(0.5, 1) * 2 ** (TRIES - left)  # noqa: S311  jitter
                log.warning("%s; again in %.1f s, %d tries are left", error, pause, left)
                progress.add(held - progress.bytes)
                await asyncio.sleep(pause)
            else:
                return

    async def _write(self, answer: obstore.GetResult, archive: Path, progress: Progress) -> None:
        total, size = answer.meta["size"], 0
        stream = aiter(answer.stream(CHUNK_BYTES))
        with archive.open("wb") as file:
            while True:
                with reported(self._uri, self._endpoint):
                    chunk = await anext(stream, None)
                if chunk is None:
                    break
                size += len(chunk)
                if size > total:
                    raise BadArtifact(f"{self._uri}: sends more than the {total} bytes that it announced")
                file.write(chunk)
                progress.add(len(chunk))
        if size != total:
            raise SourceUnreachable(f"{self._uri}: sent {size} of {total} bytes")
