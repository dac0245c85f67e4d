"""The table of docs/flavors.md: what is sent to each kind of model, what comes back, and what MLflow's server has for it.

    python -m tests.server.flavors.page

writes it. It logs the models that are not in the cache, which takes a quarter of an hour.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, replace
from importlib.metadata import version
from typing import Any

from server import mlmodel
from tests.server.flavors import making
from tests.server.flavors.comparison import compared
from tests.server.flavors.matrix import CHATS, MATRIX, Logging

PAGE = making.ROOT / "docs" / "flavors.md"
COMMAND = "python -m tests.server.flavors.page"
LOGGINGS = (*MATRIX, *CHATS)
OUTDATED = f"docs/flavors.md is out of date: `{COMMAND}` writes it"
MARK = f"<!-- From here on written by `{COMMAND}`: no line is edited by hand. -->"
HEADER = "| flavour | MLflow | signature | sent | comes back | MLflow's scoring server |\n|---|---|---|---|---|---|"
PAYLOADS = ("dataframe_split", "dataframe_records", "inputs", "instances")

# More names than this are not listed.
MANY = 3


@dataclass(frozen=True)
class Row:
    """What is so for models of one kind, of one MLflow or of several; each member is the text of a cell."""

    flavor: str
    signature: str
    sent: str
    back: str
    mlflow: str


@dataclass
class _Lists:
    """What a row counts for, in order."""

    types: dict[str, None] = field(default_factory=dict)
    about: dict[str, None] = field(default_factory=dict)
    xtypes: dict[str, None] = field(default_factory=dict)


def rows(logging: Logging) -> list[Row]:
    """Return what the records of the models say, one row for all requests that have the same outcome."""
    found: dict[tuple[str, ...], _Lists] = {}
    for name in logging.models:
        folder = making.logged(logging) / name
        model = mlmodel.read(folder)
        kind, types = signature(model)
        for case in making.expected(folder):
            key = (flavor(model), kind, sent(case), back(case), compared(case, case.get("names")))
            lists = found.setdefault(key, _Lists())
            lists.types[types] = None
            lists.about[case.get("about", "")] = None
            lists.xtypes[case["parameters"].get("xtype", "ndarray")] = None
    sent_by: dict[Row, list[str]] = {}
    for (called, kind, form, answer, said), lists in found.items():
        row = Row(called, _with(kind, ": ", lists.types), "", _with(answer, ": ", lists.about), said)
        sent_by.setdefault(row, []).append(f"{form} (xtype {', '.join(lists.xtypes)})")
    return [replace(row, sent="; ".join(forms)) for row, forms in sent_by.items()]


def _with(text: str, between: str, listed: Iterable[str]) -> str:
    return between.join(part for part in (text, ", ".join(filter(None, listed))) if part)


def label(logging: Logging) -> str:
    """Return what the table calls the MLflow of a logging: that of uv.lock is no number, which every update would change."""
    return "newest" if logging.mlflow == version("mlflow-skinny") else logging.mlflow


def table() -> str:
    """Return what docs/flavors.md has from its mark on."""
    parts = [MARK]
    for script in dict.fromkeys(logging.script for logging in LOGGINGS):
        merged: dict[Row, list[str]] = {}
        for logging in LOGGINGS:
            if logging.script == script:
                for row in rows(logging):
                    merged.setdefault(row, []).append(label(logging))
        lines = (f"| {' | '.join(_cells(row, by))} |" for row, by in merged.items())
        parts.append("\n".join([f"### {title(script)}\n", HEADER, *lines]))
    return "\n\n".join(parts) + "\n"


def sections() -> dict[str, list[tuple[Row, list[str]]]]:
    """Return what docs/flavors.md says of the models that each script logs, and of which MLflow it says it."""
    scripts = {title(logging.script): logging.script for logging in LOGGINGS}
    found = {}
    for section in PAGE.read_text().partition(MARK)[2].split("### ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
        cells = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines]
        script = scripts.get(section.splitlines()[0], "")
        found[script] = [(Row(flavor, *rest), by.split(", ")) for flavor, by, *rest in cells]
    return found


def stated(logging: Logging) -> set[Row]:
    """Return what docs/flavors.md says of the models of a logging."""
    return {row for row, by in sections().get(logging.script, []) if label(logging) in by}


def _cells(row: Row, by: list[str]) -> tuple[str, ...]:
    flavor, *rest = astuple(row)
    return flavor, ", ".join(by), *rest


def title(script: str) -> str:
    """Return what a script logs, as its docstring begins."""
    text = ast.get_docstring(ast.parse(making.LOGGED.joinpath(f"{script}.py").read_text()))
    assert text is not None
    return text.splitlines()[0].split(". ")[0].rstrip(".")


def flavor(model: mlmodel.Model) -> str:
    """Return the flavour that counts: python_function where there is no other."""
    return next((name for name in sorted(model.flavors) if name != "python_function"), "python_function")


def signature(model: mlmodel.Model) -> tuple[str, str]:
    """Return the kind of a signature, and the type of its values."""
    inputs = model.inputs
    if inputs is None:
        return "none", ""
    if inputs.tensors:
        (tensor,) = inputs.tensors
        called = "tensor" if tensor.name is None else f"tensor `{tensor.name}`"
        return f"{called} {list(tensor.shape)}", tensor.dtype
    types = [_type(column.type) for column in inputs.columns]
    if model.hinted:
        return "type hint", types[0]
    if inputs.counted:
        return "columns called 0, 1, …", types[0]
    if len(set(types)) > 1:
        return "columns of unlike types", ""
    unnamed = " without a name" if inputs.names is None else ""
    return f"{'column' if len(types) == 1 else 'columns'}{unnamed}", types[0]


def _type(kind: str | dict[str, Any]) -> str:
    if isinstance(kind, str):
        return kind
    inner = kind.get("items") or kind.get("values")
    return f"{kind['type']} of {_type(inner)}" if inner else kind["type"]


def sent(case: dict[str, Any]) -> str:
    """Return the form of a request."""
    message = case["message"]
    method = case["parameters"].get("predict_method")
    called = "" if method is None else f"predict_method {method}: "
    if "strData" in message:
        return f"{called}`strData`"
    if "jsonData" in message:
        value = message["jsonData"]
        if not isinstance(value, dict):
            return f"{called}`jsonData`, a list"
        keys = [key for key in (*PAYLOADS, "params") if key in value]
        return f"{called}`jsonData`, {' and '.join(f'`{key}`' for key in keys) or 'an object'}"
    data = message["data"]
    if "tensor" in data:
        return f"{called}`tensor`"
    names = "`names` and " if "names" in data else ""
    return f"{called}{names}`ndarray` of {'rows' if isinstance(data['ndarray'][0], list) else 'values'}"


def back(case: dict[str, Any]) -> str:
    """Return the form of a response."""
    if "refused" in case:
        return "400"
    if case["error"]:
        return "400 or 500" if "null" in json.dumps(case["message"]) else "500"
    answer = case["answer"]
    if isinstance(answer, dict):
        return "`jsonData`"
    if not any(isinstance(row, list) for row in answer):
        return "values"
    names = case["names"] or _keys(case)
    if names is None:
        return "rows"
    short = not case.get("about") and len(names) <= MANY
    return f"rows with the names {', '.join(f'`{name}`' for name in names)}" if short else "rows with names"


def _keys(case: dict[str, Any]) -> list[str] | None:
    """Return the names of columns that MLflow's answer has."""
    predictions = (case.get("mlflow") or {}).get("predictions")
    if isinstance(predictions, list) and predictions and isinstance(predictions[0], dict):
        return list(predictions[0])
    return None


def main() -> None:
    """Write the table into the page."""
    before, _, _ = PAGE.read_text().partition(MARK)
    PAGE.write_text(f"{before.rstrip()}\n\n{table()}")


if __name__ == "__main__":
    main()
