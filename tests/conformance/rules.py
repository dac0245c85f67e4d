"""What exactly each row of docs/conformance.md allows to differ between the stock wrapper and this server."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from tests.conformance.reply import GRPC, Reply, canonical


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
    "feedback": refused_or_answered,
    "mixed-rows": in_strings,
    "model-error": named_exception,
    "grpc-model-error": named_exception,
    "grpc-services": any_answer,
    "model-result": returned,
    "dates": any_answer,
    "types": any_answer,
    "integers": as_doubles,
    "nan": without_nan,
}


def _nulled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nulled(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_nulled(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
