"""Folders of environments: made aside, put in place at once, shared by processes that know nothing of each other."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server import operating_system
from server.environment.uv import Uv
from server.errors import BadDestination

_ASIDE = ".building-"
# A folder that is this old was left by a process that was killed: no build takes so long.
_ABANDONED_SECONDS = 24 * 3600


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give a new folder in ``folder``, and remove it at the end, with those that killed processes left there.

    Raises:
        BadDestination: ``folder`` cannot be written, now or later, or no library can be loaded from it.
    """
    own = folder / f"{_ASIDE}{secrets.token_hex(8)}"
    try:
        own.mkdir(parents=True)
        check_executable(own)
        for other in folder.glob(f"{_ASIDE}*"):
            if _age(other) > _ABANDONED_SECONDS:
                shutil.rmtree(other, ignore_errors=True)
        yield own
    except OSError as error:
        raise BadDestination(
            f"{error.filename or folder}: {error.strerror}; mount a volume at {folder} that can be written and has room"
        ) from error
    finally:
        shutil.rmtree(own, ignore_errors=True)


def check_executable(folder: Path) -> None:
    """Refuse a folder that no library can be loaded from: Docker mounts a tmpfs so.

    Raises:
        BadDestination: its file system is mounted with noexec.
    """
    if operating_system.is_noexec(folder):
        raise BadDestination(
            f"{folder.parent}: is mounted with noexec, and a model's libraries cannot be loaded from there; "
            "mount it with exec, as in `docker run --tmpfs /tmp:exec`"
        )


def publish(made: Path, final: Path, mark: str) -> None:
    """Rename ``made`` to ``final``. If another process was faster, what it made stays: it is the same.

    ``mark`` is a file that a complete folder holds.
    """
    try:
        made.rename(final)
    except OSError:
        if not (final / mark).is_file():
            raise


def link(path: Path, target: Path, scratch: Path) -> None:
    """Make ``path`` a symbolic link to ``target``, at once; a relative one to a neighbour, which can be moved.

    Raises:
        BadDestination: something else is there.
    """
    made = scratch / "link"
    made.symlink_to(target.name if target.parent == path.parent else target)
    try:
        made.rename(path)
    except OSError as error:
        raise BadDestination(f"{path}: is not a link of ours ({error.strerror}); remove it") from error


def uv_cache(cache: str, scratch: Path) -> Path | None:
    """Return the folder for uv's cache, or None where uv's own choice is right.

    It is right if it is set, or if its default is there: a machine that uses uv. Else, as in a pod, the cache lies
    beside the environments, where files are linked instead of copied, in ``cache`` or only while they are made.
    """
    if os.environ.get("UV_CACHE_DIR"):
        return None
    if cache:
        return Path(cache).absolute() / "uv"
    base = os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME") or "/", ".cache")
    return None if Path(base, "uv").is_dir() else scratch / "uv"


def bytecode(cache: str, uv: Uv) -> Path | None:
    """Return the folder that keeps compiled modules: beside uv's cache, or None where that does not last."""
    if cache:
        return Path(cache).absolute() / "bytecode"
    return None if uv.cache else Path(uv.run("cache", "dir").strip(), "seldon-mlflow-bytecode")


def _age(path: Path) -> float:
    """Return for how many seconds nothing was put into a folder; 0 where another process has removed it."""
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0
