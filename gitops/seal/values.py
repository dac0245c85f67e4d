"""The values of a secret: from standard input, the environment, or a prompt at the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping

from gitops.errors import BadValue
from gitops.seal.stores import Value

Ask = Callable[[Value], str]


def given(lines: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Return the values in ``lines`` of the form NAME=value; empty ones and those with # in front do not count.

    Raises:
        BadValue: a line is of another form, or its name is not among ``known``.
    """
    names, found = list(known), dict[str, str]()
    for number, line in enumerate(lines, 1):
        text = line.removesuffix("\n")
        if not text.strip() or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise BadValue(f"line {number} of standard input: must have the form NAME=value")
        if name not in names:
            # A name that was misspelt, or a part of a value that has several lines: it is not shown.
            raise BadValue(f"line {number} of standard input: names no value; there are {', '.join(names)}")
        found[name] = value
    return found


def collect(
    values: Collection[Value],
    lines: Mapping[str, str],
    environ: Mapping[str, str],
    ask: Ask | None,
    notice: Callable[[str], None],
) -> dict[str, str]:
    """Return ``values`` by name: from ``lines``, else ``environ``, else asked for, else by default; optional ones if given.

    ``notice`` is called with the origin of each, and with what was trimmed. ``ask`` is None where there is no terminal.

    Raises:
        BadValue: one is missing, or has a line break inside.
    """
    found: dict[str, str] = {}
    missing: list[str] = []
    for value in values:
        if value.name in lines:
            found[value.name] = lines[value.name]
        elif value.name in environ:
            notice(f"{value.name}: taken from the environment")
            found[value.name] = environ[value.name]
        elif value.optional:
            continue
        elif ask is not None:
            found[value.name] = ask(value) or value.default
        elif value.default:
            found[value.name] = value.default
        else:
            missing.append(value.name)
    if missing:
        raise BadValue(
            f"no value for {', '.join(missing)}: give them on standard input as NAME=value, in the environment, "
            "or at a terminal"
        )
    documents = {value.name for value in values if value.json}
    return {
        name: clean(name, _line(value) if name in documents else value, notice)
        for name, value in found.items()
    }


def _line(document: str) -> str:
    """Return a JSON document in one line; what is none stays as it is, for its validation to name it."""
    try:
        return json.dumps(json.loads(document))
    except ValueError:
        return document


def clean(name: str, value: str, notice: Callable[[str], None]) -> str:
    """Return ``value`` without white space around it, such as the line break of ``echo``.

    Raises:
        BadValue: nothing is left, or it has a line break inside.
    """
    result = value.strip()
    if result != value:
        notice(f"{name}: took white space off its ends ({_kind(value)})")
    if not result:
        raise BadValue(f"{name} is empty")
    if any(character in result for character in "\r\n\0"):
        raise BadValue(f"{name} has a line break inside: give the value alone")
    return result


def _kind(value: str) -> str:
    return "a line break" if value.strip(" \t") != value.strip() else "blanks"
