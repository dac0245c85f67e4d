"""A command: it declares its arguments to a parser, and returns the function that runs it; what it prints, line by line or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

from gitops.switch import is_on
from gitops.terminal import paint

Level = Literal["ok", "note", "warning", "error", "unknown"]
# Takes the parsed arguments and the repository's root, and returns the exit code.
Run = Callable[[argparse.Namespace, Path], int]


def print_lines(lines: Iterable[str]) -> int:
    """Print each line as soon as there is one, and return the exit code 0."""
    for line in lines:
        sys.stdout.write(f"{paint(line, sys.stdout)}\n")
        sys.stdout.flush()
    return 0


@dataclass(frozen=True)
class Item:
    """One thing that a command has to say; every command with --json says its things in this shape.

    ``id`` names what it is about (a policy, a part of the machine, a type of secret), ``place`` where it is (a folder, a
    file and its line), ``more`` holds what this command alone has.
    """

    level: Level
    id: str
    place: str
    message: str
    fix: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Declare --json, which the Makefile gives the value of its variable JSON."""
    parser.add_argument(
        "--json",
        nargs="?",
        const=True,
        default=False,
        type=lambda value: is_on("JSON", value),
        metavar="1|0",
        help="print one JSON document (docs/commands.md)",
    )


def write_json(command: str, items: Iterable[Item], out: TextIO, *, ok: bool) -> None:
    """Write what ``command`` has to say as one JSON document; ``ok`` is whether it ends with 0."""
    entries = [
        {
            "level": item.level,
            "id": item.id,
            "place": item.place,
            "message": item.message,
            "fix": item.fix,
            **item.more,
        }
        for item in items
    ]
    content = {"command": command, "ok": ok, "items": entries}
    # In ASCII: a file's name that is not UTF-8 could not be written otherwise.
    out.write(f"{json.dumps(content, indent=2)}\n")
