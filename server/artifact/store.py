"""A model in an object store, S3, Google Cloud Storage or Azure: objects into files, in parallel, in parts, in bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import obstore

from server.artifact import staging
from server.artifact.progress import Progress
from server.artifact.staging import Entry, check_space
from server.artifact.store_client import Place, connect
from server.artifact.store_errors import reported
from server.errors import SourceNotFound, SourceUnreachable
from server.settings import FetchSettings

if TYPE_CHECKING:
    from obstore import GetOptions

PART_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Object(Entry):
    """An object of a store: its ``path`` below the bucket, and the tag of its content if there is one."""

    path: str
    e_tag: str | None


@dataclass(frozen=True)
class _Part:
    object: Object
    start: int
    end: int


async def transfer(
    place: Place, objects: Sequence[Object], folder: Path, progress: Progress, connections: int
) -> None:
    """Write ``objects`` below ``folder`` by their names, over at most ``connections`` connections.

    Raises:
        ServerError: an object cannot be fetched; the first one that could not.
    """
    for entry in objects:
        path = folder / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.truncate(entry.size)
    parts = _parts(objects)

    async def connection() -> None:
        for part in parts:
            await _fetch(place, part, folder, progress)

    await asyncio.gather(*(connection() for _ in range(connections)))


def _parts(objects: Sequence[Object]) -> Iterator[_Part]:
    for entry in objects:
        for start in range(0, entry.size, PART_BYTES):
            yield _Part(entry, start, min(start + PART_BYTES, entry.size))


async def _fetch(place: Place, part: _Part, folder: Path, progress: Progress) -> None:
    tag = part.object.e_tag
    options: GetOptions = {"range": (part.start, part.end)}
    if tag is not None and not tag.startswith("W/"):  # RFC 9110, 13.1.1: a weak tag never matches
        options["if_match"] = tag
    with reported(place.uri, place.endpoint):
        answer = await obstore.get_async(place.client, part.object.path, options=options)
    position = part.start
    stream = aiter(answer.stream(CHUNK_BYTES))
    with (folder / part.object.name).open("r+b") as file:
        file.seek(position)
        while True:
            with reported(place.uri, place.endpoint):
                chunk = await anext(stream, None)
            if chunk is None:
                break
            # A write of a megabyte is too short to be worth a thread.
            file.write(chunk)
            position += len(chunk)
            progress.add(len(chunk))
    if position != part.end:
        raise SourceUnreachable(
            f"{place.uri}: {place.endpoint} sent {position - part.start} of {part.end - part.start} bytes of "
            f"{part.object.path}; try again when the store is well"
        )


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
            staging.check_limits(len(found), total, place.uri, settings)
    if not found:
        raise SourceNotFound(
            f"{place.uri}: {place.endpoint} has nothing there; correct the path in the model's URI, "
            "or put the model there"
        )
    found = _without_folders(found)
    staging.check_entries(found, place.uri, settings)
    return found


def _without_folders(objects: list[Object]) -> list[Object]:
    """Leave out the empty objects that consoles make for folders, the model's own too: keys with a slash at the end."""
    folders = {""} | {name[:end] for name in (entry.name for entry in objects) for end in _slashes(name)}
    return [entry for entry in objects if entry.size > 0 or entry.name not in folders]


def _slashes(name: str) -> list[int]:
    return [index for index, sign in enumerate(name) if sign == "/"]
