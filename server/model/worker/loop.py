"""Load the model, then answer the frames that come over the socket, one after the other."""

from __future__ import annotations

import gc
import json
import os
import platform
import socket
import time
import traceback
from typing import Any

from . import call, load, wire

# How the methods begin that people serve: what a message lists for choice.
METHODS = ("decision_function", "inverse_transform", "kneighbors", "predict", "score_samples", "transform")


class Connection:
    """The worker's end of the socket pair, used blockingly."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def receive(self) -> tuple[dict[str, Any], list[Any]]:
        """Return the next frame's header and values. Raises EOFError when the server is gone."""
        header_size, body_size = wire.PREFIX.unpack(self._exactly(wire.PREFIX.size))
        header = json.loads(bytes(self._exactly(header_size)))
        return header, wire.unpack(header, self._exactly(body_size))

    def send(self, frame: list[wire.Buffer]) -> None:
        """Write a frame."""
        if sum(len(buffer) for buffer in frame) < 65536:
            frame = [b"".join(frame)]
        for buffer in frame:
            self._sock.sendall(buffer)

    def _exactly(self, size: int) -> bytearray:
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            received = self._sock.recv_into(view)
            if received == 0:
                raise EOFError
            view = view[received:]
        return buffer


def run(descriptor: int) -> int:
    """Serve the socket until the server closes it; return the exit code."""
    # What the model prints belongs to the log, and the socket to nobody but this program.
    os.set_inheritable(descriptor, False)
    connection = Connection(socket.socket(fileno=descriptor))
    try:
        header, _ = connection.receive()
        model = _load(connection, header)
        if model is None:
            return 1
        while True:
            header, values = connection.receive()
            connection.send(_answer(model, header, values))
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return 0


def _load(connection: Connection, header: dict[str, Any]) -> Any:
    started = time.monotonic()
    try:
        model = load.load(header["folder"], header["plan"])
        methods = {role: _method(model, names) for role, names in header["methods"].items()}
    except BaseException as error:  # noqa: BLE001  a model may raise anything, even SystemExit
        traceback.print_exc()
        connection.send(wire.pack({"event": "failed", **_described(error)}, []))
        return None
    # What is loaded stays: the collector need not look through it at every request.
    gc.collect()
    gc.freeze()
    ready = {
        "event": "ready",
        "type": type(model).__module__ + "." + type(model).__qualname__,
        "methods": methods,
        "python": platform.python_version(),
        "seconds": round(time.monotonic() - started, 3),
    }
    connection.send(wire.pack(ready, []))
    return model


def _method(model: Any, names: list[str]) -> str:
    for name in names:
        if callable(getattr(model, name, None)):
            return name
    there = [name for name in dir(model) if name.startswith(METHODS) and callable(getattr(model, name, None))]
    raise AttributeError(
        "{} has no method {}; it has {}: set the parameter predict_method to one of them".format(
            type(model).__name__, " or ".join(names), ", ".join(there) or "none that fits"
        )
    )


def _answer(model: Any, header: dict[str, Any], values: list[Any]) -> list[wire.Buffer]:
    try:
        value, names = call.result(getattr(model, header["method"])(call.argument(header, values)))
        return wire.pack({"event": "result", "id": header["id"], "names": names}, [value])
    except Exception as error:  # noqa: BLE001  whatever the model raises is the answer
        traceback.print_exc()
        return wire.pack({"event": "error", "id": header["id"], **_described(error)}, [])


def _described(error: BaseException) -> dict[str, str]:
    return {"type": type(error).__name__, "message": str(error)}
