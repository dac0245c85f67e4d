"""Validating rendered objects with the pinned kubeconform."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import ValidationFailed
from gitops.schemas import catalogue
from gitops.tools import tool

TIMEOUT_SECONDS = 300
_LOCATION = "{{ .ResourceKind }}{{ .KindSuffix }}.json"
# The validator's message for an unknown kind.
NO_SCHEMA = "could not find schema"
# How the validator lists what is wrong: at the JSON pointer in quotes, a colon, the words.
_ENTRY = re.compile(r" +- at '((?:[^'\\]|\\.)*)': (.*?)(?= +- at '|$)")
# The head of a list of entries, which says nothing by itself.
_HEADS = ("validation failed", "allOf failed")


# Results as (kind, name, pointer, message), by the folder of the schemas and the object.
_MOST = 10_000
_judged: dict[tuple[Path, str], tuple[tuple[str, str, str, str], ...]] = {}


@dataclass(frozen=True)
class Invalid:
    """What is wrong with an object: ``group`` is where it came from, ``pointer`` the JSON pointer to the value.

    The pointer is empty where no schema has the object's kind; ``message`` is the validator's words.
    """

    group: str
    kind: str
    name: str
    pointer: str
    message: str


def validate(groups: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[Invalid]:
    """Return what is wrong with the objects of each group, judged strictly and with no kind left out.

    Raises:
        ToolNotBuilt: kubeconform or a schema cannot be had.
        ValidationFailed: kubeconform does not end well.
    """
    schemas = catalogue.folder()
    # JSON is YAML, and no string of it can be taken for anything else.
    texts = {group: [json.dumps(entry) for entry in objects] for group, objects in groups.items()}
    new = {text for entries in texts.values() for text in entries if (schemas, text) not in _judged}
    if len(_judged) + len(new) > _MOST:
        _judged.clear()
        new = {text for entries in texts.values() for text in entries}
    _judge(schemas, sorted(new))
    return [
        Invalid(group, *message)
        for group, entries in texts.items()
        for message in sorted(message for text in entries for message in _judged[schemas, text])
    ]


def _judge(schemas: Path, texts: Sequence[str]) -> None:
    """Note what is wrong with each of the objects ``texts``."""
    if not texts:
        return
    with tempfile.TemporaryDirectory() as scratch:
        files = {Path(scratch, f"{index}.yaml"): text for index, text in enumerate(texts)}
        for file, text in files.items():
            file.write_text(text)
        found: dict[str, list[tuple[str, str, str, str]]] = {text: [] for text in texts}
        for entry in _run(schemas, Path(scratch)):
            found[files[Path(entry["filename"])]] += [
                (entry["kind"], entry["name"], pointer, message)
                for pointer, message in _entries(entry["msg"], entry["version"])
            ]
        _judged.update({(schemas, text): tuple(message) for text, message in found.items()})


def _run(schemas: Path, folder: Path) -> list[dict[str, str]]:
    location = f"{schemas}/{_LOCATION}"
    try:
        done = subprocess.run(
            [tool("kubeconform"), "-strict", "-output", "json", "-schema-location", location, folder],
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
