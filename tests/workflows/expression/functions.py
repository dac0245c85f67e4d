"""The functions of GitHub's expressions that need nothing but their arguments, and hashFiles of a folder.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#functions
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from tests.workflows.expression.syntax import BadExpression
from tests.workflows.expression.value import Value, equal, kind, to_string
from tests.workflows.pattern import selected

# The fewest and the most arguments, None where there is no most, and the function.
Function: TypeAlias = tuple[int, int | None, Callable[..., Value]]


def contains(search: Value, item: Value) -> bool:
    if kind(search) == "array":
        return any(equal(each, item) for each in search)
    if kind(search) == "object":
        return False
    return to_string(item).upper() in to_string(search).upper()


def starts_with(search: Value, value: Value) -> bool:
    return to_string(search).upper().startswith(to_string(value).upper())


def ends_with(search: Value, value: Value) -> bool:
    return to_string(search).upper().endswith(to_string(value).upper())


def format_(text: Value, *values: Value) -> str:
    def fill(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if not found[1] or int(found[1]) >= len(values):
            raise BadExpression(f"format({to_string(text)!r}): {found[0]!r} has no value")
        return to_string(values[int(found[1])])

    return re.sub(r"\{\{|\}\}|\{(\d*)\}|[{}]", fill, to_string(text))


def join(values: Value, separator: Value = ",") -> str:
    if kind(values) == "array":
        return to_string(separator).join(to_string(each) for each in values)
    return to_string(values)


def to_json(value: Value) -> str:
    return json.dumps(_plain(value), indent=2, ensure_ascii=False)


def _plain(value: Value) -> Any:
    match kind(value):
        case "object":
            return {key: _plain(each) for key, each in value.items()}
        case "array":
            return [_plain(each) for each in value]
        case "number" if float(value).is_integer():
            return int(value)
    return value


def from_json(text: Value) -> Value:
    try:
        return json.loads(to_string(text))
    except ValueError as error:
        raise BadExpression(f"fromJSON({to_string(text)!r}): {error}") from error


def hash_files(workspace: Path) -> Callable[..., Value]:
    """Return hashFiles over the files of ``workspace``: '' where no file is meant."""

    def hash_(*patterns: Value) -> str:
        wanted = [to_string(each) for each in patterns]
        names = sorted(
            str(path.relative_to(workspace))
            for path in workspace.rglob("*")
            if path.is_file() and ".git" not in path.relative_to(workspace).parts[:1]
        )
        found = [name for name in names if selected(wanted, name)]
        whole = hashlib.sha256()
        for name in found:
            whole.update(hashlib.sha256((workspace / name).read_bytes()).digest())
        return whole.hexdigest() if found else ""

    return hash_


FUNCTIONS: Mapping[str, Function] = {
    "contains": (2, 2, contains),
    "startswith": (2, 2, starts_with),
    "endswith": (2, 2, ends_with),
    "format": (1, None, format_),
    "join": (1, 2, join),
    "tojson": (1, 1, to_json),
    "fromjson": (1, 1, from_json),
}
