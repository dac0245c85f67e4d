"""A model in an object store: S3, Google Cloud Storage, Azure."""

from __future__ import annotations

import asyncio
from pathlib import Path

import obstore

from server.artifact import entries
from server.artifact.progress import Progress
from server.artifact.staging import check_space
from server.artifact.store_client import Place, connect
from server.artifact.store_errors import reported
from server.artifact.transfer import Object, transfer
from server.errors import SourceNotFound
from server.settings import FetchSettings


class StoreFolder:
    """The model at a URI of an object store."""

    def __init__(self, uri: str, settings: FetchSettings) -> None:
        self._settings = settings
        self._place = connect(uri, settings)

    def copy(self, folder: Path, progress: Progress) -> None:
        """Write the model's files below ``folder``.

        Raises:
            ServerError: the store refuses or does not answer, or the files may not be written.
        """
        asyncio.run(self._copy(folder, progress))

    async def _copy(self, folder: Path, progress: Progress) -> None:
        objects = await _list(self._place, self._settings)
        size = sum(entry.size for entry in objects)
        check_space(folder, size)
        progress.expect(size)
        await transfer(self._place, objects, folder, progress, self._settings.connections)


async def _list(place: Place, settings: FetchSettings) -> list[Object]:
    found: list[Object] = []
    start = len(place.prefix) + 1 if place.prefix else 0
    total = 0
    with reported(place.uri, place.endpoint):
        listing = aiter(obstore.list(place.client, place.prefix or None))
    while True:
        with reported(place.uri, place.endpoint):
            page = await anext(listing, None)
        if page is None:
            break
        for meta in page:
            found.append(Object(meta["path"][start:], meta["size"], meta["path"], meta["e_tag"]))
            total += meta["size"]
            # Here too: a listing without end would fill the memory.
            entries.check_limits(len(found), total, place.uri, settings)
    if not found:
        raise SourceNotFound(
            f"{place.uri}: {place.endpoint} has nothing there; correct the path in the model's URI, "
            "or put the model there"
        )
    found = _without_folders(found)
    entries.check(found, place.uri, settings)
    return found


def _without_folders(objects: list[Object]) -> list[Object]:
    """Leave out the empty objects that consoles make for folders, the model's own too: keys with a slash at the end."""
    folders = {""} | {name[:end] for name in (entry.name for entry in objects) for end in _slashes(name)}
    return [entry for entry in objects if entry.size > 0 or entry.name not in folders]


def _slashes(name: str) -> list[int]:
    return [index for index, sign in enumerate(name) if sign == "/"]
