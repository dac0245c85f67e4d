"""The table of docs/conformance.md, and what exactly each of its rows allows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.json_format import MessageToDict

from server.protocol.proto.messages import SeldonMessage
from tests.server.serving import ROOT

PAGE = Path(ROOT, "docs", "conformance.md")
GRPC = "gRPC"
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
        """The body parsed, that of a message as it stands in JSON."""
        if self.kind == GRPC:
            return MessageToDict(text_format.Parse(self.body, SeldonMessage()))
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
        if component.code == "UNKNOWN":
            assert component.body.startswith("Exception calling application: "), component
            assert component.body.endswith(server.body), component
    assert not stock == server == component, f"{row.id}: there is no difference"


def refused(_: Reply, server: Reply) -> bool:
    """Return whether this server says in Seldon's way that the request is wrong."""
    if server.kind == GRPC:
        return server.code != "OK" and bool(server.body)
    if server.kind != "application/json" or not server.code.startswith("4"):
        return False
    status = {"code": -1, "info": server.info, "reason": "MICROSERVICE_BAD_DATA", "status": 1}
    return bool(server.json == {"status": status} and server.info)


def both_refused(stock: Reply, server: Reply) -> bool:
    """Return whether both refuse the request, and differ in nothing but their words."""
    return refused(stock, stock) and refused(stock, server) and stock.kind == server.kind


def any_answer(_: Reply, server: Reply) -> bool:
    """Return whether this server answers: what differs is the whole content."""
    return server.code in ("200", "OK")


def equal(stock: Reply, server: Reply) -> bool:
    """Return whether they are equal: it is the component class that differs."""
    return stock == server


def without_nan(stock: Reply, server: Reply) -> bool:
    """Return whether null stands where the wrapper writes what JSON does not know."""
    return canonical(_nulled(stock.json)) == server.body


def in_strings(stock: Reply, server: Reply) -> bool:
    """Return whether the wrapper has made strings of this server's values."""
    texts = [[_text(server, cell) for cell in row] for row in server.json["data"]["ndarray"]]
    return {**server.json, "data": {**server.json["data"], "ndarray": texts}} == stock.json


def _text(server: Reply, cell: Any) -> str:
    # Every number of gRPC is a double.
    return str(float(cell) if server.kind == GRPC and isinstance(cell, int) else cell).rstrip("\0")


def as_doubles(stock: Reply, server: Reply) -> bool:
    """Return whether they are equal but for whole numbers that have become doubles."""
    return bool(server.body == canonical(json.loads(stock.body, parse_int=lambda text: _double(int(text)))))


def _double(number: int) -> float:
    return number if -(2**63) <= number < 2**64 else float(number)


def named_exception(stock: Reply, server: Reply) -> bool:
    """Return whether this server's words are the wrapper's after the exception's type."""
    if server.kind == GRPC:
        words = stock.body.removeprefix("Exception calling application: ")
        return server.body.endswith(f"Error: {words}") or "the model returned a NoneType" in server.body
    kind, _, words = server.info.partition(": ")
    return kind.isidentifier() and words == stock.info


def returned(stock: Reply, server: Reply) -> bool:
    """Return whether this server makes a table of a result that the wrapper does not know, or fails by it."""
    if server.kind == GRPC:
        return "data" in server.json
    if server.code == "500":
        return server.info.startswith("TypeError: the model returned a ")
    return "data" in server.json and (
        stock.code == "200" or stock.info.startswith("Unknown data type returned")
    )


def transformed(stock: Reply, server: Reply) -> bool:
    """Return whether this server has called transform, and the wrapper predict."""
    return server.json["jsonData"] == {"transformed": True} and "strData" in stock.json


def named(stock: Reply, server: Reply) -> bool:
    """Return whether this server repeats the request's names, and the wrapper counts."""
    data = {
        **server.json["data"],
        "names": [f"t:{index}" for index in range(len(server.json["data"]["names"]))],
    }
    return canonical({**server.json, "data": data}) == stock.body


def refused_or_answered(stock: Reply, server: Reply) -> bool:
    """Return whether this server refuses the request, or answers where the wrapper fails."""
    return refused(stock, server) or (server.code in ("200", "OK") and stock.code in ("500", "UNKNOWN"))


RULES: Mapping[str, Callable[[Reply, Reply], bool]] = {
    "doc": any_answer,
    "openapi": any_answer,
    "metadata": any_answer,
    "malformed": both_refused,
    "form": both_refused,
    "info": both_refused,
    "meta": refused_or_answered,
    "metrics": equal,
    "transformer-predict": equal,
    "transformer": transformed,
    "transformer-names": named,
    "feedback": refused_or_answered,
    "mixed-rows": in_strings,
    "model-error": named_exception,
    "grpc-model-error": named_exception,
    "grpc-services": any_answer,
    "model-result": returned,
    "dates": any_answer,
    "integers": as_doubles,
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
