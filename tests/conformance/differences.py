"""The table of docs/conformance.md, and what exactly each of its rows allows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server.serving import ROOT

PAGE = Path(ROOT, "docs", "conformance.md")
AS_WRAPPER, AS_SERVER = "as the wrapper", "as this server"
CODE = re.compile(r"`([0-9]{3}|[A-Z_]+)`")


@dataclass(frozen=True)
class Reply:
    """An answer: its HTTP status or gRPC code, its content type, and its body as text that can be compared."""

    code: str
    kind: str
    body: str

    @property
    def json(self) -> Any:
        """The body parsed."""
        return json.loads(self.body)

    @property
    def info(self) -> str:
        """What an error's body says."""
        info: str = self.json["status"]["info"]
        return info


@dataclass(frozen=True)
class Row:
    """A row of the table: the codes that each may answer with."""

    id: str
    stock: frozenset[str]
    server: frozenset[str]
    component: str


def rows() -> dict[str, Row]:
    """Return the rows of the table by their ids."""
    found: dict[str, Row] = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            identity, _, stock, server, component, why = cells
            assert why.endswith("."), line
            codes = frozenset(CODE.findall(stock)), frozenset(CODE.findall(server))
            found[identity.strip("`")] = Row(identity.strip("`"), *codes, component)
    return found


ROWS = rows()


def compare(
    row: Row | None, stock: Reply, server: Reply, component: Reply, like: Reply | None = None
) -> None:
    """Assert that three answers are equal, or differ as a row has it.

    ``like`` is what the stock wrapper answers to a request that it understands as this server does this one.
    """
    if row is None:
        assert server == stock
        assert component == server
        return
    assert stock.code in row.stock, stock
    assert server.code in row.server, server
    if like is not None:
        assert server == like
    else:
        assert RULES.get(row.id, refused)(stock, server), (stock, server)
    if row.component == AS_SERVER:
        assert component == server
    elif row.component == AS_WRAPPER:
        assert component == stock
    else:
        assert component.code in CODE.findall(row.component), component
    assert not stock == server == component, f"{row.id}: there is no difference"


def refused(_: Reply, server: Reply) -> bool:
    """Return whether this server says in Seldon's way that the request is wrong."""
    if server.kind != "application/json" or not server.code.startswith("4"):
        return False
    status = {"code": -1, "info": server.info, "reason": "MICROSERVICE_BAD_DATA", "status": 1}
    return bool(server.json == {"status": status} and server.info)


def both_refused(stock: Reply, server: Reply) -> bool:
    """Return whether both refuse the request, and differ in nothing but their words."""
    return refused(stock, stock) and refused(stock, server) and stock.kind == server.kind


def any_answer(_: Reply, server: Reply) -> bool:
    """Return whether this server answers: what differs is the whole content."""
    return bool(server.body)


def equal(stock: Reply, server: Reply) -> bool:
    """Return whether they are equal: it is the component class that differs."""
    return stock == server


def without_nan(stock: Reply, server: Reply) -> bool:
    """Return whether null stands where the wrapper writes what JSON does not know."""
    return canonical(_nulled(stock.json)) == server.body


def in_strings(stock: Reply, server: Reply) -> bool:
    """Return whether the wrapper has made strings of this server's values."""
    texts = [
        [cell if isinstance(cell, str) else str(cell) for cell in row]
        for row in server.json["data"]["ndarray"]
    ]
    return canonical({**server.json, "data": {**server.json["data"], "ndarray": texts}}) == stock.body


def named_exception(stock: Reply, server: Reply) -> bool:
    """Return whether this server's words are the wrapper's after the exception's type."""
    kind, _, words = server.info.partition(": ")
    return kind.isidentifier() and words == stock.info


def returned(stock: Reply, server: Reply) -> bool:
    """Return whether this server makes a table of a result that the wrapper does not know, or fails by it."""
    if server.code == "500":
        return server.info.startswith("TypeError: the model returned a ")
    return "data" in server.json and (
        stock.code == "200" or stock.info.startswith("Unknown data type returned")
    )


def refused_or_answered(stock: Reply, server: Reply) -> bool:
    """Return whether this server refuses the request, or answers where the wrapper fails."""
    return refused(stock, server) or (server.code == "200" and stock.code == "500")


RULES: Mapping[str, Callable[[Reply, Reply], bool]] = {
    "doc": any_answer,
    "openapi": any_answer,
    "metadata": any_answer,
    "malformed": both_refused,
    "form": both_refused,
    "info": both_refused,
    "meta": refused_or_answered,
    "metrics": equal,
    "feedback": refused_or_answered,
    "mixed-rows": in_strings,
    "model-error": named_exception,
    "model-result": returned,
    "dates": any_answer,
    "nan": without_nan,
}


def canonical(value: Any) -> str:
    """Return a value as JSON that is equal where the values are, 1 and 1.0 being two."""
    return json.dumps(value, sort_keys=True)


def _nulled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nulled(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_nulled(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
