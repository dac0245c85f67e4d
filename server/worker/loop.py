"""Load the model, then answer the calls that come from the server's processes."""

from __future__ import annotations

import gc
import json
import os
import platform
import socket
import sys
import time
from typing import Any

from ..ipc.connection import FrameConnection
from ..operating_system import other_threads, private_memory
from . import output
from .answer import Callee, answer_all
from .argument import array_columns
from .batch_check import candidates, checked
from .call_queue import CallQueue
from .exceptions import exception_header
from .fitted_columns import adapter
from .fork import run_forked
from .fork_server import READY, ForkServer
from .load import load
from .methods import component, method, owner
from .output_names import names


def run(descriptor: int) -> int:
    """Load the model that the handshake names, and serve it until the server closes the socket; return the exit code.

    The server sends the handshake (what to load), the setup (processes, limits, batching), and on the event "example" a
    call made of the model's input example. The worker sends "ready" or "failed", and with "process" a socket for each of
    the server's processes.
    """
    # Programs that the model starts must not inherit the socket.
    os.set_inheritable(descriptor, False)
    return run_first(socket.socket(fileno=descriptor))


def run_first(control: socket.socket, handed: socket.socket | None = None, count: int = 1) -> int:
    """Load the model as the first of ``count`` processes (server.worker.fork_server), and serve it; return the exit code.

    Where it is the only one, it answers calls. Else others are forked from it, or it writes the frames of the handshake to
    ``handed`` and answers calls until the other end of that is closed.
    """
    connection = FrameConnection(control)
    output.capture()
    try:
        handshake, _ = connection.receive()
        output.json_lines = handshake["json_lines"]
        try:
            started = time.monotonic()
            model, methods = _load(handshake)
            known, unnamed = _names(model, handshake, methods)
        except BaseException as error:  # noqa: BLE001  a model may raise anything, even SystemExit
            output.write_exception(error, "the model cannot be loaded")
            connection.tell({"event": "failed", **exception_header(error)})
            return 1
        setup, _ = connection.receive()
        callee = _callee(model, methods, known, handshake, setup)
        threads = other_threads()
        # A process that calls the model must not be forked afterwards.
        forked = handed is not None and threads == 0
        try:
            together, notes = _batched(connection, model, callee, setup, forked=forked)
        except RuntimeError as error:
            connection.tell({"event": "failed", **exception_header(error)})
            return 1
        ready = {
            "event": "ready",
            "type": type(model).__module__ + "." + type(model).__qualname__,
            "methods": {role: name for role, (name, _) in methods.items()},
            "batched": together,
            "notes": [*unnamed, *notes],
            "python": platform.python_version(),
            "seconds": round(time.monotonic() - started, 3),
            "pid": os.getpid(),
            "processes": _processes(count, threads),
        }
        connection.tell(ready)
        if handed is not None and forked:
            handed.close()
            ForkServer(
                control,
                setup["server_processes"],
                lambda connections, life: _serve(callee, connections, life, setup["spin"]),
                setup["load_seconds"],
            ).run(count)
        connections, life = _connections(connection, setup["server_processes"]), connection
        if handed is not None:
            control.close()
            handed.sendall(json.dumps({"handshake": handshake, "setup": setup}).encode() + b"\n")
            life = FrameConnection(handed)
        answer_all(callee, CallQueue(connections, life, setup["spin"]))
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return 0
    except Exception as error:  # noqa: BLE001  this process ends, and the server says that it did
        output.write_exception(error, "the process of the model cannot go on")
        return 1
    return 0


def run_another(
    handshake: dict[str, Any], setup: dict[str, Any], connections: list[socket.socket], life: socket.socket
) -> None:
    """Load the model as one of several processes that each do, and answer calls until the other end of ``life`` is closed.

    The frames of the handshake are those that the first one got.
    """
    output.capture()
    output.json_lines = handshake["json_lines"]
    try:
        model, methods = _load(handshake)
        known, _ = _names(model, handshake, methods)
    except BaseException as error:  # noqa: BLE001  a model may raise anything, even SystemExit
        output.write_exception(error, "the model cannot be loaded")
        sys.exit(1)
    _serve(_callee(model, methods, known, handshake, setup), connections, life, setup["spin"])


def _serve(callee: Callee, connections: list[socket.socket], life: socket.socket, spin: float) -> None:
    life.sendall(READY)
    answer_all(
        callee, CallQueue([FrameConnection(sock) for sock in connections], FrameConnection(life), spin)
    )


def _callee(
    model: Any,
    methods: dict[str, Any],
    known: dict[str, list[str]],
    handshake: dict[str, Any],
    setup: dict[str, Any],
) -> Callee:
    return Callee(
        dict(methods.values()),
        array_columns(model),
        known,
        setup["largest"],
        component(model, handshake["plan"]),
    )


def _processes(count: int, threads: int | None) -> str:
    """Return what is to be said of several processes of the model and their memory."""
    if count == 1:
        return ""
    size = private_memory()
    memory = "memory" if size is None else f"{size >> 20} MiB of memory"
    if threads == 0:
        return f"{count} processes are forked from this one, and share its {memory} until they write to it"
    why = (
        f"loading it has started {threads} thread{'s' * (threads > 1)}"
        if threads
        else "nothing here says how many threads it has"
    )
    return (
        f"{count} processes load it, one after the other, and have {memory} each: this one cannot be forked, "
        f"since {why}"
    )


def _batched(
    control: FrameConnection, model: Any, callee: Callee, setup: dict[str, Any], *, forked: bool
) -> tuple[list[str], list[str]]:
    """Return the methods that may be called with a batch, and notes for the log.

    The model is called with its input example, in a forked process where this one must not call it.
    """
    names = candidates(model, callee, setup["batching"])
    if not names or not setup["example"]:
        return names, []
    control.tell({"event": "example"})
    example, values = control.receive()
    if not forked:
        return checked(callee, names, example["call"], values, setup["batching"])
    together, notes = run_forked(lambda: checked(callee, names, example["call"], values, setup["batching"]))
    return together, notes


def _names(
    model: Any, handshake: dict[str, Any], methods: dict[str, Any]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the output names of each method, and notes for the log about those without."""
    found = {
        name: names(owner(model, handshake["plan"], name), name, handshake["inputs"])
        for name, _ in methods.values()
    }
    known = {name: columns for name, (columns, _) in found.items() if columns is not None}
    return known, [note for _, note in found.values() if note]


def _connections(control: FrameConnection, server_processes: int) -> list[FrameConnection]:
    """Return a connection to each of the server's processes, which are passed the other ends."""
    pairs = [socket.socketpair() for _ in range(server_processes)]
    control.tell({"event": "process", "pid": os.getpid()}, [theirs for _, theirs in pairs])
    for _, theirs in pairs:
        theirs.close()
    return [FrameConnection(ours) for ours, _ in pairs]


def _load(handshake: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the model, and by what is asked of the node its method's name and the method."""
    # Importing allocates many objects and hardly any garbage: collecting meanwhile takes a twentieth of the time.
    gc.disable()
    model = load(handshake["folder"], handshake["plan"])
    plan = handshake["plan"]
    # mlflow.pyfunc and what it loads make of a DataFrame what they want.
    adapt = None if plan["loader"] == "pyfunc" else adapter(model)
    found = {role: method(model, plan, names, adapt) for role, names in handshake["methods"].items()}
    # What is loaded stays: frozen, it is not scanned by later collections.
    gc.freeze()
    gc.enable()
    return model, found
