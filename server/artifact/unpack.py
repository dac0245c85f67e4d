"""Unpacks an archive into a folder: all entries are checked before the first file is written."""

from __future__ import annotations

import gzip
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from server.artifact import staging
from server.artifact.staging import Entry, check_space
from server.errors import BadArtifact, ServerError
from server.mlmodel import FILE
from server.settings import FetchSettings

CHUNK_BYTES = 1024 * 1024
# Largest header of a tar archive that is read: it may announce a name of any length.
_HEADER_BYTES = 4 * CHUNK_BYTES
# What may come between two files: a path of the longest kind, more than once, and times.
_MOST_HEADERS = 64 * 1024


@dataclass(frozen=True)
class _Member(Entry):
    """A regular file in an archive."""

    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, folder: Path, uri: str, settings: FetchSettings) -> None:
    """Write the model in ``archive``, which came from ``uri``, below ``folder``.

    The model is what lies at the top of the archive, or in the only folder there.

    Raises:
        BadArtifact: it is no archive, or holds what may not be written or is over the limits.
        NotAModel: there is no MLmodel file at the top.
    """
    listed = [Entry(member.name, member.size) for member in _members(archive, uri, settings)]
    root = _root([entry.name for entry in listed])
    staging.check_entries(
        (Entry(entry.name.removeprefix(root), entry.size) for entry in listed), uri, settings
    )
    check_space(folder, sum(entry.size for entry in listed))
    for member in _members(archive, uri, settings):
        _write(member, folder / member.name.removeprefix(root), uri)


def _write(member: _Member, target: Path, uri: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with _read(uri):
        source = member.open()
    if source is None:
        raise BadArtifact(f"{uri}: {member.name!r} in the archive is no regular file; make the archive again")
    size = 0
    with source, target.open("xb") as file:
        while True:
            with _read(uri):
                chunk = source.read(CHUNK_BYTES)
            if not chunk:
                break
            size += len(chunk)
            file.write(chunk)
    if size != member.size:
        raise BadArtifact(
            f"{uri}: {member.name!r} has {size} bytes in the archive instead of {member.size}; "
            "make the archive again"
        )


def _members(archive: Path, uri: str, settings: FetchSettings) -> Iterator[_Member]:
    """Yield the files in ``archive``; each must be read before the next."""
    found = _zip(archive, uri, settings) if archive.suffix == ".zip" else _tar(archive, uri, settings)
    while True:
        with _read(uri):
            member = next(found, None)
        if member is None:
            return
        yield member


def _tar(archive: Path, uri: str, settings: FetchSettings) -> Iterator[_Member]:
    with _Plain(archive) as plain, tarfile.open(fileobj=plain, mode="r:") as tar:
        size = end = 0
        for number, info in enumerate(tar, 1):
            size += info.size if info.isreg() else 0
            # Before the next header is looked for, which unpacks all that is before it. Folders count too:
            # the library keeps what it has seen in memory.
            staging.check_limits(number, size, uri, settings)
            if info.issparse():
                raise BadArtifact(
                    f"{uri}: {info.name[:100]!r} in the archive is sparse, so that its size does not tell what it costs to read; "
                    "make the archive without --sparse"
                )
            if info.offset_data - end > _MOST_HEADERS:
                raise BadArtifact(
                    f"{uri}: {info.name[:100]!r} in the archive has headers of {info.offset_data - end} bytes, and may have "
                    f"{_MOST_HEADERS}; make the archive again"
                )
            end = info.offset_data + -(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            if info.isdir():
                continue
            if not info.isreg():
                raise _irregular(uri, info.name)
            yield _Member(_name(info.name), info.size, partial(tar.extractfile, info))


def _zip(archive: Path, uri: str, settings: FetchSettings) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as content:
        staging.check_limits(len(content.infolist()), 0, uri, settings)
        for info in content.infolist():
            if info.is_dir():
                continue
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise _irregular(uri, info.filename)
            if info.flag_bits & 0x1:
                raise BadArtifact(
                    f"{uri}: {info.filename!r} is encrypted; make the archive without a password"
                )
            yield _Member(_name(info.filename), info.file_size, partial(content.open, info))


class _Plain(gzip.GzipFile):
    """A decompressed tar archive of which no more than a header's worth is read at once."""

    def __init__(self, archive: Path) -> None:
        super().__init__(archive, "rb")

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


def _name(name: str) -> str:
    """Return ``name`` without the ``./`` that `tar -C FOLDER .` puts before it."""
    return name.removeprefix("./")


def _root(names: list[str]) -> str:
    """Return the folder of the archive that the model is in, with a slash at its end, or an empty text."""
    tops = {name.partition("/")[0] for name in names}
    return f"{tops.pop()}/" if len(tops) == 1 and FILE not in names else ""


def _irregular(uri: str, name: str) -> BadArtifact:
    return BadArtifact(
        f"{uri}: {name!r} in the archive is a link or a special file; nothing is unpacked: "
        "make the archive of regular files"
    )


@contextmanager
def _read(uri: str) -> Iterator[None]:
    """Turn what the readers of archives raise in the block into a BadArtifact."""
    try:
        yield
    except ServerError:
        raise
    except Exception as error:
        raise BadArtifact(
            f"{uri}: the archive cannot be read ({str(error) or type(error).__name__}); make it again"
        ) from error
