"""Load the model, then answer the calls that come from the server's processes."""

from __future__ import annotations

import gc
import os
import platform
import socket
import time
import traceback
from typing import Any

from ..ipc.connection import FrameConnection
from .answer import Callee, answer_all
from .array_input import columns
from .batch_check import candidates, checked
from .call_queue import CallQueue
from .exceptions import exception_header
from .fitted_columns import adapter
from .fork import check_threads, run_forked
from .fork_server import ForkServer
from .load import load
from .methods import method, owner
from .output_names import names


def run(descriptor: int) -> int:
    """Load the model that the handshake names, and serve it until the server closes the socket; return the exit code.

    The server sends the handshake (what to load), the setup (processes, limits, batching), and on the event "example" a
    call made of the model's input example. The worker sends "ready" or "failed", and with "process" a socket for each of
    the server's processes.
    """
    # The model's output goes to the log; programs that the model starts must not inherit the socket.
    os.set_inheritable(descriptor, False)
    control = FrameConnection(socket.socket(fileno=descriptor))
    try:
        handshake, _ = control.receive()
        try:
            started = time.monotonic()
            model, methods = _load(handshake)
            known, unnamed = _names(model, handshake, methods)
        except BaseException as error:  # noqa: BLE001  a model may raise anything, even SystemExit
            traceback.print_exc()
            control.tell({"event": "failed", **exception_header(error)})
            return 1
        setup, _ = control.receive()
        callee = Callee(dict(methods.values()), columns(model), known, setup["largest"])
        several = setup["processes"] > 1
        try:
            if several:
                check_threads()
            together, notes = _batched(control, model, callee, setup)
        except RuntimeError as error:
            control.tell({"event": "failed", **exception_header(error)})
            return 1
        ready = {
            "event": "ready",
            "type": type(model).__module__ + "." + type(model).__qualname__,
            "methods": {role: name for role, (name, _) in methods.items()},
            "batched": together,
            "notes": [*unnamed, *notes],
            "python": platform.python_version(),
            "seconds": round(time.monotonic() - started, 3),
        }
        control.tell(ready)
        if several:
            template = ForkServer(
                control,
                setup["server_processes"],
                lambda channels, life: answer_all(callee, CallQueue(channels, life, setup["spin"])),
            )
            template.run(setup["processes"])
        answer_all(callee, CallQueue(_channels(control, setup["server_processes"]), control, setup["spin"]))
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return 0
    return 0


def _batched(
    control: FrameConnection, model: Any, callee: Callee, setup: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """Return the methods that may be called with a batch, and notes for the log.

    The model is called with its input example, in a process of its own where this one must not.
    """
    names = candidates(model, callee, setup["batching"])
    if not names or not setup["example"]:
        return names, []
    control.tell({"event": "example"})
    example, values = control.receive()
    if setup["processes"] == 1:
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


def _channels(control: FrameConnection, server_processes: int) -> list[FrameConnection]:
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
