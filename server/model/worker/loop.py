"""Load the model, then answer the frames that come over the socket, one after the other."""

from __future__ import annotations

import gc
import os
import platform
import socket
import time
import traceback
from typing import Any, Dict

from . import wire
from .argument import argument
from .calls import Calls
from .connection import Connection
from .load import load
from .methods import Method, method
from .result import result

Methods = Dict[str, Method]


def run(descriptor: int) -> int:
    """Serve the socket until the server closes it; return the exit code."""
    # What the model prints belongs to the log, and the socket to nobody but this program.
    os.set_inheritable(descriptor, False)
    connection = Connection(socket.socket(fileno=descriptor))
    try:
        header, _ = connection.receive()
        methods = _load(connection, header)
        if methods is None:
            return 1
        calls = Calls(connection)
        while True:
            header, values = calls.next()
            connection.send(_answer(methods, header, values))
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return 0


def _load(connection: Connection, header: dict[str, Any]) -> Methods | None:
    """Load the model and say so; return its methods that are called, by name, or None if it cannot be loaded."""
    started = time.monotonic()
    # Importing makes many objects and hardly any garbage: looking for it meanwhile takes a twentieth of the time.
    gc.disable()
    try:
        model = load(header["folder"], header["plan"])
        found = {role: method(model, header["plan"], names) for role, names in header["methods"].items()}
    except BaseException as error:  # noqa: BLE001  a model may raise anything, even SystemExit
        traceback.print_exc()
        connection.send(wire.pack({"event": "failed", **_described(error)}, []))
        return None
    # What is loaded stays: the collector need not look through it, now or at every request.
    gc.freeze()
    gc.enable()
    ready = {
        "event": "ready",
        "type": type(model).__module__ + "." + type(model).__qualname__,
        "methods": {role: name for role, (name, _) in found.items()},
        "python": platform.python_version(),
        "seconds": round(time.monotonic() - started, 3),
    }
    connection.send(wire.pack(ready, []))
    return dict(found.values())


def _answer(methods: Methods, header: dict[str, Any], values: list[Any]) -> list[wire.Buffer]:
    try:
        called = methods[header["method"]](argument(header, values), header.get("params", {}))
        value, names = result(called)
        return wire.pack({"event": "result", "id": header["id"], "names": names}, [value])
    except Exception as error:  # noqa: BLE001  whatever the model raises is the answer
        traceback.print_exc()
        return wire.pack({"event": "error", "id": header["id"], **_described(error)}, [])


def _described(error: BaseException) -> dict[str, str]:
    return {"type": type(error).__name__, "message": str(error)}
