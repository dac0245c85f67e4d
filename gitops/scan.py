"""``python -m gitops scan``: no secret lies in the tree, by the detectors of detect-secrets.

All files are scanned that git tracks or would add. False positives are listed in scan.yaml.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TextIO

import yaml
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

from gitops.command import Item, Run, add_json, write_json
from gitops.errors import ScanFailed
from gitops.git import tracked_files

log = logging.getLogger(__name__)
ALLOWED = Path(__file__).with_suffix(".yaml")
_FIX = f"take it out, and replace it where it is valid; if it is none, say why in gitops/{ALLOWED.name}"


@dataclass(frozen=True)
class Allowed:
    """What may be found: a pattern of files, the types that detect-secrets names, and the reason.

    ``line`` is what a line has to match in full, None where any line may have it.
    """

    file: str
    types: tuple[str, ...]
    why: str
    line: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Suspect:
    """What may be a secret, and the ``text`` of its line, which nobody is shown."""

    file: str
    line: int
    type: str
    text: str = field(repr=False)

    @property
    def place(self) -> str:
        """The file and the line."""
        return f"{self.file}:{self.line}"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    add_json(parser)
    return lambda arguments, root: scan(root, sys.stdout, as_json=arguments.json)


def scan(root: Path, out: TextIO, allowed: Sequence[Allowed] | None = None, *, as_json: bool = False) -> int:
    """Look for secrets in what git has or would take below ``root``; return 1 if there are any, else 0.

    An allowance that nothing in its files needs counts too, so that none outlives its reason; one for files that are not
    there does not, since a fork removes the examples.

    Raises:
        ScanFailed: ``root`` is no work tree of git.
    """
    allowances = read() if allowed is None else allowed
    files, used = tracked_files(root, fail=ScanFailed, untracked=True), set[Allowed]()
    found = []
    # A line, and no step: what scans is forked, and threads do not go well with that.
    log.info("scanning %d files", len(files))
    for suspect in _suspects(root, files):
        entry = next((entry for entry in allowances if _allows(entry, suspect)), None)
        if entry is None:
            found.append(suspect)
        else:
            used.add(entry)
    unused = [
        entry
        for entry in allowances
        if entry not in used and any(fnmatchcase(file, entry.file) for file in files)
    ]
    if as_json:
        write_json("scan", _items(found, unused), out, ok=not (found or unused))
        return int(bool(found or unused))
    for suspect in found:
        out.write(f"{suspect.place}: {suspect.type} (not shown)\n")
    for entry in unused:
        out.write(f"{ALLOWED.name}: {entry.file} allows what nothing needs: remove the entry\n")
    if found:
        out.write(f"what may be a secret must not lie in git: {_FIX}\n")
    return int(bool(found or unused))


def _items(found: Sequence[Suspect], unused: Sequence[Allowed]) -> Iterator[Item]:
    for suspect in found:
        yield Item("error", suspect.type, suspect.place, "may be a secret, and is not shown", _FIX)
    for entry in unused:
        yield Item(
            "error",
            "allowance",
            f"gitops/{ALLOWED.name}",
            f"{entry.file} allows what nothing needs",
            "remove it",
        )


def suspects(root: Path, files: list[str]) -> list[str]:
    """Return the places in ``files``, relative to ``root``, where something may be a secret and is not allowed."""
    allowances = read()
    return [
        f"{suspect.place}: {suspect.type} (not shown)"
        for suspect in _suspects(root, files)
        if not any(_allows(entry, suspect) for entry in allowances)
    ]


def read(file: Path = ALLOWED) -> list[Allowed]:
    """Return what ``file`` allows."""
    return [
        Allowed(
            entry["file"],
            tuple(entry["types"]),
            entry["why"],
            re.compile(entry["line"]) if "line" in entry else None,
        )
        for entry in yaml.safe_load(file.read_text())
    ]


def _suspects(root: Path, files: list[str]) -> list[Suspect]:
    kinds: Iterable[type] = get_mapping_from_secret_type_to_class().values()
    plugins = [{"name": kind.__name__} for kind in kinds]
    with transient_settings({"plugins_used": plugins}):
        found = SecretsCollection(root=str(root))
        found.scan_files(*files, num_processors=os.cpu_count() or 1)
    return sorted(
        (
            Suspect(file, secret.line_number, secret.type, _line(root / file, secret.line_number))
            for file, secret in found
        ),
        key=lambda suspect: (suspect.file, suspect.line, suspect.type),
    )


def _line(file: Path, number: int) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _allows(entry: Allowed, suspect: Suspect) -> bool:
    return (
        suspect.type in entry.types
        and fnmatchcase(suspect.file, entry.file)
        and (entry.line is None or entry.line.fullmatch(suspect.text) is not None)
    )
