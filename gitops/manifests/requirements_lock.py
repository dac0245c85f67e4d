"""The requirements.lock of a model, read once."""

from __future__ import annotations

from pathlib import Path

from server.environment.requirements_lock import FILE as FILE
from server.environment.requirements_lock import Lock
from server.environment.requirements_lock import read as read_anew

# What has been read, by the content of the file: several policies ask for it, and both sides of a comparison mostly have the same.
_read: dict[bytes, Lock] = {}
_MOST_KEPT = 500


def read(file: Path) -> Lock:
    """Return the lock in ``file``.

    Raises:
        BadLock, BadRequirements: it is no lock.
    """
    try:
        content = file.read_bytes()
    except OSError:
        return read_anew(file)  # Which says why it cannot be read.
    if content not in _read:
        if len(_read) >= _MOST_KEPT:
            _read.clear()
        _read[content] = read_anew(file)
    return _read[content]
