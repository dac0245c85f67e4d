"""A request over REST, and what makes one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.models import FEATURES, ROWS

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": "multipart/form-data; boundary=frontier"}
TURNED = [row[::-1] for row in ROWS]
FLAT = [value for row in ROWS for value in row]


@dataclass(frozen=True)
class Case:
    """A request to a model, and the id of the row of the table that allows its answers to differ."""

    id: str
    model: str
    path: str = "/predict"
    method: str = "POST"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    row: str | None = None
    like: Case | None = None


def post(
    name: str,
    model: str,
    message: Any,
    row: str | None = None,
    path: str = "/predict",
    like: Any = None,
) -> Case:
    """Return the case of a message in JSON.

    ``like`` is the message that the stock wrapper understands as this server does this one.
    """
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    other = None if like is None else post(f"like {name}", model, like, path=path)
    return Case(name, model, path, "POST", body, JSON, row, other)


def table(rows: Any, names: Any = FEATURES, **more: Any) -> dict[str, Any]:
    """Return a message with an ndarray."""
    return {"data": {"names": names, "ndarray": rows}, **more}


def tensor(shape: Any, values: Any, names: Any = FEATURES) -> dict[str, Any]:
    """Return a message with a tensor."""
    return {"data": {"names": names, "tensor": {"shape": shape, "values": values}}}


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    """Return a multipart form of fields, and files where there is a filename."""
    lines: list[bytes] = []
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename else ""
        head = f'--frontier\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        lines += [head.encode(), content, b"\r\n"]
    return b"".join([*lines, b"--frontier--\r\n"])
