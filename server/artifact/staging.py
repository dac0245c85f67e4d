"""The destination of a model: complete or absent, never half.

The destination is usually a mount point, which cannot be renamed. So a model is fetched into a hidden
folder inside it, on the same file system, and its entries are moved up when it is verified, MLmodel
last: whoever sees an MLmodel sees the whole model. A list of what is being moved lies beside it, so that
the next run can clean up after one that was killed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from server.artifact.entries import ASIDE
from server.artifact.progress import size as readable
from server.errors import BadDestination
from server.mlmodel import FILE


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
