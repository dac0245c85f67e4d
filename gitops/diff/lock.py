"""requirements.lock as a reviewer reads it: which package in which version; of its hashes, whether they change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement as Specifier

from gitops.errors import BadManifest
from server.environment import lock
from server.environment.requirements import Requirement
from server.errors import BadLock, BadRequirements

FILE = lock.FILE
_HASH = re.compile(r"--hash[=\s]\s*(\S+)")
_HASHES = re.compile(r"(?: *\\\n +--hash=sha256:[0-9a-f]{64})+")


def read(folder: Path) -> lock.Lock | None:
    """Return the lock in ``folder``, or None where there is none.

    Raises:
        BadManifest: it is no lock.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        return lock.read(file)
    except (BadLock, BadRequirements) as error:
        raise BadManifest(str(error)) from error


def packages(entries: list[Requirement]) -> dict[str, str]:
    """Return what is asked of each package: its versions, with the condition of each where there is one."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        found.setdefault(entry.name or entry.shown, []).append(_asked(entry) if entry.name else entry.shown)
    return {name: ", ".join(sorted(asked)) for name, asked in found.items()}


def hashes(entries: list[Requirement]) -> dict[str, frozenset[str]]:
    """Return the hashes of each package's files."""
    found: dict[str, frozenset[str]] = {}
    for entry in entries:
        if entry.name:
            found[entry.name] = found.get(entry.name, frozenset()) | set(_HASH.findall(entry.text))
    return found


def shortened(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a rendered object with the hashes in its locks, hundreds of lines, counted in place of shown."""
    if entry.get("kind") != "ConfigMap" or not isinstance(entry.get("data"), Mapping):
        return entry
    short = {
        key: _HASHES.sub(_counted, text) if isinstance(text, str) else text
        for key, text in entry["data"].items()
    }
    return {**entry, "data": short}


def _counted(run: re.Match[str]) -> str:
    files = run[0].count("--hash=")
    return (
        f"  # {files} hashes, of which the hash begins with {hashlib.sha256(run[0].encode()).hexdigest()[:8]}"
    )


def _asked(entry: Requirement) -> str:
    specifier = Specifier(entry.shown)
    version = entry.version or str(specifier.specifier) or (f"@ {specifier.url}" if specifier.url else "any")
    extras = f"[{','.join(sorted(specifier.extras))}] " if specifier.extras else ""
    return f"{extras}{version}" + (f" ; {specifier.marker}" if specifier.marker else "")
