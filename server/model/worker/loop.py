"""Load the model, then answer the calls that come from the server's processes."""

from __future__ import annotations

import gc
import os
import platform
import socket
import time
import traceback
from typing import Any

from .answer import Callee, answer_all
from .batching import candidates, checked
from .calls import Calls
from .columns import columns
from .connection import Connection
from .exceptions import described
from .fitted import adapter
from .fork import check_threads, returned
from .load import load
from .methods import method, owner
from .names import names
from .template import Template


def run(descriptor: int) -> int:
    """Load what the server says over the socket and serve it until the server closes that; return the exit code.

    The server sends two frames: what to load, at once, and what else it found out meanwhile; and a call made of the
    model's input example where it is asked for by "example". It gets "ready" or "failed", and with "process" an end of a
    channel for each of its own processes.
    """
    # What the model prints belongs to the log, and the socket to nobody but this program.
    os.set_inheritable(descriptor, False)
    control = Connection(socket.socket(fileno=descriptor))
    try:
        hello, _ = control.receive()
        try:
            started = time.monotonic()
            model, methods = _load(hello)
            known, unnamed = _names(model, hello, methods)
        except BaseException as error:  # noqa: BLE001  a model may raise anything, even SystemExit
            traceback.print_exc()
            control.tell({"event": "failed", **described(error)})
            return 1
        setup, _ = control.receive()
        callee = Callee(dict(methods.values()), columns(model), known, setup["largest"])
        several = setup["processes"] > 1
        try:
            if several:
                check_threads()
            together, notes = _batched(control, model, callee, setup)
        except RuntimeError as error:
            control.tell({"event": "failed", **described(error)})
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
            template = Template(
                control,
                setup["edges"],
                lambda channels, life: answer_all(callee, Calls(channels, life, setup["spin"])),
            )
            template.run(setup["processes"])
        answer_all(callee, Calls(_channels(control, setup["edges"]), control, setup["spin"]))
    except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return 0
    return 0


def _batched(
    control: Connection, model: Any, callee: Callee, setup: dict[str, Any]
) -> tuple[list[str], list[str]]:
    """Return the methods whose calls may be answered together, and what is to be said of that.

    The model is called with its input example, in a process of its own where this one must not.
    """
    names = candidates(model, callee, setup["batching"])
    if not names or not setup["example"]:
        return names, []
    control.tell({"event": "example"})
    example, values = control.receive()
    if setup["processes"] == 1:
        return checked(callee, names, example["call"], values, setup["batching"])
    together, notes = returned(lambda: checked(callee, names, example["call"], values, setup["batching"]))
    return together, notes


def _names(
    model: Any, hello: dict[str, Any], methods: dict[str, Any]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return by the methods' names what the model calls the columns of their answers, and what is to be said of others."""
    found = {
        name: names(owner(model, hello["plan"], name), name, hello["inputs"]) for name, _ in methods.values()
    }
    known = {name: columns for name, (columns, _) in found.items() if columns is not None}
    return known, [note for _, note in found.values() if note]


def _channels(control: Connection, edges: int) -> list[Connection]:
    """Return an end of a channel to each of the server's processes, which gets the other."""
    pairs = [socket.socketpair() for _ in range(edges)]
    control.tell({"event": "process", "pid": os.getpid()}, [theirs for _, theirs in pairs])
    for _, theirs in pairs:
        theirs.close()
    return [Connection(ours) for ours, _ in pairs]


def _load(hello: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the model, and by what is asked of the node its method's name and the method."""
    # Importing makes many objects and hardly any garbage: looking for it meanwhile takes a twentieth of the time.
    gc.disable()
    model = load(hello["folder"], hello["plan"])
    plan = hello["plan"]
    # mlflow.pyfunc and what it loads make of a DataFrame what they want.
    adapt = None if plan["loader"] == "pyfunc" else adapter(model)
    found = {role: method(model, plan, names, adapt) for role, names in hello["methods"].items()}
    # What is loaded stays: the collector need not look through it, now or at every request.
    gc.freeze()
    gc.enable()
    return model, found
