"""What the image can be asked for: its verbs with their arguments, and its settings.

A release writes it beside the image's digest, so that manifests can be held to it without asking a registry.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from server import settings
from server.__main__ import parser


def interface() -> dict[str, Any]:
    """Return the interface of this checkout's server, as JSON.

    ``verbs`` holds for each verb its ``arguments`` in order, and its ``options`` with the name of their value, null
    for a switch. ``settings`` (environment variables) and ``parameters`` (of the graph) hold for each name the values
    that it can have, an empty list where any will do; ``annotations`` are the names of those that are read.
    """
    declared = list(_settings())
    return {
        "verbs": {name: _verb(verb) for name, verb in sorted(_verbs(parser()).items())},
        "settings": dict(
            sorted((name, list(metadata["choices"])) for metadata in declared for name in metadata["env"])
        ),
        "parameters": {
            metadata["parameter"]: list(metadata["choices"])
            for metadata in sorted(declared, key=lambda metadata: str(metadata["parameter"]))
            if metadata["parameter"]
        },
        "annotations": sorted(metadata["annotation"] for metadata in declared if metadata["annotation"]),
    }


def _settings() -> Iterator[Mapping[str, Any]]:
    for name, kind in vars(settings).items():
        if name.endswith("Settings"):
            yield from (entry.metadata for entry in fields(kind))


def _verbs(top: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    # argparse has no public way to ask a parser for what it takes.
    (verbs,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    return verbs.choices


def _verb(verb: argparse.ArgumentParser) -> dict[str, Any]:
    actions = [action for action in verb._actions if action.dest != "help"]
    return {
        "arguments": [_value(action) for action in actions if not action.option_strings],
        "options": {
            name: None if action.nargs == 0 else _value(action)
            for action in actions
            for name in sorted(action.option_strings)
        },
    }


def _value(action: argparse.Action) -> str:
    return str(action.metavar or action.dest.upper())
