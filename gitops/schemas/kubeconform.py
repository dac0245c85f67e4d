"""Validating rendered objects with the pinned kubeconform."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import ValidationFailed
from gitops.schemas import catalogue
from gitops.tools import tool

TIMEOUT_SECONDS = 300
_LOCATION = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
# How the validator says that it knows no such kind.
NO_SCHEMA = "could not find schema"
# How the validator lists what is wrong: at the JSON pointer in quotes, a colon, the words.
_ENTRY = re.compile(r" +- at '((?:[^'\\]|\\.)*)': (.*?)(?= +- at '|$)")
# The head of a list of entries, which says nothing by itself.
_HEADS = ("validation failed", "allOf failed")


@dataclass(frozen=True)
class Invalid:
    """What is wrong with an object: ``group`` is where it came from, ``pointer`` the JSON pointer to the value.

    The pointer is empty where no schema has the object's kind; ``said`` is the validator's words.
    """

    group: str
    kind: str
    name: str
    pointer: str
    said: str


def validate(groups: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[Invalid]:
    """Return what is wrong with the objects of each group, judged strictly and with no kind left out.

    Raises:
        ToolNotBuilt: kubeconform or a schema cannot be had.
        ValidationFailed: kubeconform does not end well.
    """
    with tempfile.TemporaryDirectory() as scratch:
        names: dict[str, str] = {}
        for index, (group, objects) in enumerate(groups.items()):
            file = Path(scratch, f"{index}.yaml")
            # JSON is YAML, and no string of it can be taken for anything else.
            file.write_text("".join(f"---\n{json.dumps(entry)}\n" for entry in objects))
            names[str(file)] = group
        return [
            Invalid(names[entry["filename"]], entry["kind"], entry["name"], pointer, said)
            for entry in _run(Path(scratch))
            for pointer, said in _entries(entry["msg"], entry["version"])
        ]


def _run(folder: Path) -> list[dict[str, str]]:
    schemas = f"{catalogue.folder()}/{_LOCATION}"
    try:
        done = subprocess.run(
            [tool("kubeconform"), "-strict", "-output", "json", "-schema-location", schemas, folder],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValidationFailed(f"kubeconform: no answer after {TIMEOUT_SECONDS} s") from error
    if done.returncode not in (0, 1) or done.stderr:
        raise ValidationFailed(f"kubeconform ended with {done.returncode}: {done.stderr.strip()}")
    found: list[dict[str, str]] = json.loads(done.stdout)["resources"]
    return sorted(found, key=lambda entry: (entry["filename"], entry["kind"], entry["name"]))


def _entries(message: str, version: str) -> Iterator[tuple[str, str]]:
    """Yield pointer and words of each thing that is wrong."""
    entries = [(match[1], match[2]) for match in _ENTRY.finditer(message)]
    if not entries:
        yield "", f"{message} of {version}" if message.startswith(NO_SCHEMA) else message
    yield from sorted(entry for entry in entries if entry[1] not in _HEADS)
