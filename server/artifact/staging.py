"""The destination of a model: complete or absent, never half; and whether its files may be written, before the first one is."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from server.artifact.progress import size
from server.artifact.progress import size as readable
from server.errors import BadArtifact, BadDestination, NotAModel
from server.mlmodel import FILE
from server.settings import FetchSettings

# The folder in the destination that a model is fetched into.
ASIDE = ".fetching"
_LONGEST = 255  # bytes of a name on the usual file systems


@dataclass(frozen=True)
class Entry:
    """A file of a model: ``name`` relative to the model's folder with ``/``, ``size`` in bytes."""

    name: str
    size: int


def check_entries(entries: Iterable[Entry], uri: str, settings: FetchSettings) -> None:
    """Check the files of the model at ``uri``.

    Raises:
        BadArtifact: a name leads out of the folder, cannot be written everywhere or clashes with
            another, or there are more files or bytes than the settings allow.
        NotAModel: there is no MLmodel file.
    """
    seen: dict[str, str] = {}
    total = count = 0
    for entry in entries:
        check_name(entry.name, uri)
        count, total = count + 1, total + entry.size
        check_limits(count, total, uri, settings)
        _check_clash(entry.name, seen, uri)
    if FILE not in seen.values():
        raise NotAModel(
            f"{uri}: no {FILE} file among its {count} files; "
            "give the folder that MLflow logged, not its parent or a file in it"
        )


def check_name(name: str, uri: str) -> None:
    """Check that ``name`` stands for a file below the folder that it is written to.

    Raises:
        BadArtifact: it does not.
    """
    parts = name.split("/")
    if name.startswith("/"):
        rule = "is an absolute path"
    elif any(part in ("", ".", "..") for part in parts):
        rule = "has an empty part, or one that is . or .."
    elif "\\" in name or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
        rule = "holds a backslash or a control character"
    elif any(len(part.encode()) > _LONGEST for part in parts):
        rule = f"has a part of more than {_LONGEST} bytes"
    elif parts[0] == ASIDE:
        rule = "is where a model is fetched to"
    else:
        return
    raise BadArtifact(
        f"{uri}: the file name {name!r} {rule}; nothing is fetched: log the model again without it"
    )


def check_limits(count: int, total: int, uri: str, settings: FetchSettings) -> None:
    """Check the number of files and of bytes so far.

    Raises:
        BadArtifact: there are more than the settings allow.
    """
    if count > settings.max_files:
        raise BadArtifact(
            f"{uri}: has more than {settings.max_files} files; raise FETCH_MAX_FILES if it should"
        )
    if total > settings.max_bytes:
        raise BadArtifact(
            f"{uri}: has more than {size(settings.max_bytes)}; raise FETCH_MAX_BYTES "
            f"({settings.max_bytes}) if it should"
        )


def _check_clash(name: str, seen: dict[str, str], uri: str) -> None:
    """Check ``name`` against those before it, kept in ``seen``: files by ``path``, folders by ``path/``."""
    folded = unicodedata.normalize("NFC", name).casefold()
    parts, whole = folded.split("/"), name.split("/")
    clash = seen.get(folded) or seen.get(folded + "/")
    for end in range(1, len(parts)):
        parent, written = "/".join(parts[:end]), "/".join(whole[:end])
        clash = clash or seen.get(parent)
        if seen.setdefault(parent + "/", f"{written}/") != f"{written}/":
            clash = clash or seen[parent + "/"]
    if clash is not None:
        raise BadArtifact(
            f"{uri}: the file names {clash!r} and {name!r} cannot both be written everywhere: they are the same "
            "but for upper and lower case, or one is a folder; log the model again with other names"
        )
    seen[folded] = name


class Staging:
    """The destination ``dest`` while a model is fetched into it; a context manager.

    On leaving, everything but what ``publish`` moved is gone.

    Raises:
        BadDestination: it cannot be written, or another process is fetching into it.
    """

    def __init__(self, dest: Path) -> None:
        self.dest = dest
        self._aside = dest / ASIDE
        self._moving = self._aside / "moving"
        self._made: list[Path] = []
        self._lock = -1
        self._published = False

    @property
    def folder(self) -> Path:
        """The empty folder to fetch the model into."""
        return self._aside / "content"

    def __enter__(self) -> Self:
        try:
            self._made = [path for path in (self.dest, *self.dest.parents) if not path.exists()]
            self.dest.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.dest, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise BadDestination(
                f"{self.dest}: another process is fetching a model into it; give each a folder of its own"
            ) from error
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._clean()
            self.folder.mkdir(parents=True)
        except OSError as error:
            os.close(self._lock)
            raise self._unusable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._clean()
            if not self._published and not self.present():
                for path in self._made:
                    # Someone else may have put something there meanwhile.
                    with contextlib.suppress(OSError):
                        path.rmdir()
        finally:
            os.close(self._lock)
        if isinstance(error, OSError):
            raise self._unusable(error) from error

    def present(self) -> list[Path]:
        """Return what the destination holds already, in the order of the names."""
        return sorted(path for path in self.dest.iterdir() if path.name != ASIDE)

    def publish(self) -> None:
        """Move the model from ``folder`` into the destination."""
        names = sorted((path.name for path in self.folder.iterdir()), key=lambda name: (name == FILE, name))
        # Written aside too: a list of which only half is there would name nothing to clean up.
        half = self._aside / "half"
        half.write_text(json.dumps(names))
        half.rename(self._moving)
        for name in names:
            (self.folder / name).rename(self.dest / name)
        self._moving.unlink()
        self._published = True

    def _clean(self) -> None:
        """Remove what an unfinished run left: the hidden folder, and what it had moved out of it."""
        if self._moving.is_file() and (self.folder / FILE).exists():
            for name in json.loads(self._moving.read_text()):
                _remove(self.dest / name)
        _remove(self._aside)

    def _unusable(self, error: OSError) -> BadDestination:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return BadDestination(
                f"{self.dest}: no space is left for the model; give the volume more (its sizeLimit)"
            )
        return BadDestination(
            f"{self.dest}: cannot be written ({error.strerror}: {error.filename}); give a folder that "
            "this user may write"
        )


def check_space(folder: Path, size: int) -> None:
    """Check that ``size`` bytes fit on the file system of ``folder``.

    Raises:
        BadDestination: they do not.
    """
    free = shutil.disk_usage(folder).free
    if size > free:
        raise BadDestination(
            f"{folder.parent.parent}: the model needs {readable(size)} and {readable(free)} are free; "
            "give the volume more (its sizeLimit)"
        )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
