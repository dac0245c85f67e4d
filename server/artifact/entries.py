"""The files that a model is going to have: whether they may be written, before the first one is.

A key of a store and a name in an archive are someone else's words. What may come out is a file below
the model's folder, the same one on every file system, that the model's digest can cover.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from server.artifact.progress import size
from server.errors import BadArtifact, NotAModel
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


def check(entries: Iterable[Entry], uri: str, settings: FetchSettings) -> None:
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
