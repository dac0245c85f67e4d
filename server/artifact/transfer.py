"""Objects of a store into files: in parallel, in parts, in bounded memory.

Each connection streams one part at a time through a buffer of about a megabyte, whatever the size of
the object. A lost connection is obstore's affair: it goes on at the byte where it was, a bounded number
of times; the condition on the entity tag makes sure that these are bytes of the same object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import obstore

from server.artifact.entries import Entry
from server.artifact.progress import Progress
from server.artifact.store_client import Place
from server.artifact.store_errors import reported
from server.errors import SourceUnreachable

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
