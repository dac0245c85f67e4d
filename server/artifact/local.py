"""A model in a folder of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from server.artifact import staging
from server.artifact.progress import Progress
from server.artifact.staging import Entry, check_space
from server.errors import AccessDenied, BadArtifact, BadSetting, SourceNotFound
from server.settings import FetchSettings

CHUNK_BYTES = 1024 * 1024


class LocalFolder:
    """The model in the folder ``path``; ``uri`` is how messages call it."""

    def __init__(self, uri: str, path: Path, settings: FetchSettings) -> None:
        self._uri = uri
        self._path = path
        self._settings = settings

    def copy(self, folder: Path, progress: Progress) -> None:
        """Write the model's files below ``folder``.

        Raises:
            ServerError: there is no such folder, or its files may not be read or written.
        """
        found = self.check()
        size = sum(entry.size for entry in found)
        check_space(folder, size)
        progress.expect(size)
        for entry in found:
            target = folder / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                source = (self._path / entry.name).open("rb")
            except OSError as error:
                raise AccessDenied(
                    f"{self._uri}: {entry.name} cannot be read ({error.strerror}); allow this user to read it"
                ) from error
            with source, target.open("xb") as file:
                while chunk := source.read(CHUNK_BYTES):
                    file.write(chunk)
                    progress.add(len(chunk))

    def check(self) -> list[Entry]:
        """Return the model's files, none of which is read.

        Raises:
            ServerError: there is no such folder, or its files may not be a model's.
        """
        if not self._path.is_dir():
            raise SourceNotFound(f"{self._uri}: there is no such folder; correct the model's URI")
        try:
            found = sorted(self._walk(self._path), key=lambda entry: entry.name)
        except OSError as error:
            raise AccessDenied(
                f"{self._uri}: {error.filename} cannot be read ({error.strerror}); allow this user to read it"
            ) from error
        staging.check_entries(found, self._uri, self._settings)
        return found

    def _walk(self, folder: Path) -> Iterator[Entry]:
        with os.scandir(folder) as content:
            for entry in content:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    name = Path(entry.path).relative_to(self._path).as_posix()
                    yield Entry(name, entry.stat(follow_symlinks=False).st_size)
                else:
                    raise BadArtifact(
                        f"{self._uri}: {entry.path} is a symbolic link or a special file, which a model's digest "
                        "does not cover; put a regular file there"
                    )


def path(uri: str) -> Path:
    """Return the path that a file:// URI stands for.

    Raises:
        BadSetting: it names another host, or no absolute path.
    """
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise BadSetting(
            f"{uri}: must be file:// and an absolute path, as in file:///models/iris; correct it"
        )
    return Path(unquote(parts.path))
