"""Answer the calls of the server's processes, one after the other, whole or part by part as the model yields them."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generator, List, Mapping, NamedTuple

from ..ipc import wire
from . import output
from .argument import argument, is_array
from .call_queue import CallQueue
from .exceptions import failure
from .methods import Method
from .result import Beside, response, result

if TYPE_CHECKING:
    from ..ipc.connection import Frame, FrameConnection

# In the header of a call that is answered in parts: how many of them may be sent before the server asks for more.
AHEAD = "ahead"

# Yields a frame a part, and returns the one that ends the call.
Frames = Generator[List[wire.Buffer], None, List[wire.Buffer]]


class Callee(NamedTuple):
    """The loaded model as it is called.

    ``methods`` are the model's methods by name, ``columns`` those for which it takes an array in place of a DataFrame
    (argument), ``names`` the output names of each method (output_names). ``largest`` is the size limit of an answer in
    bytes. ``component`` is a custom Python model, which may say more than its answer (result).
    """

    methods: dict[str, Method]
    columns: list[str] | None = None
    names: Mapping[str, list[str]] = {}
    largest: int = wire.LARGEST
    component: Any = None


def answer_all(callee: Callee, calls: CallQueue) -> None:
    """Answer calls until the server is gone, which raises EOFError.

    The output names of the fitted model are sent to each of the server's processes first, once for all answers.
    """
    if callee.names:
        calls.tell(wire.pack({"event": "names", "names": callee.names}, []))
    while True:
        connection, header, values = calls.next()
        output.under_way(header.get(wire.PUIDS))
        if AHEAD in header:
            answer_in_parts(callee, calls, connection, (header, values))
        else:
            # Where that process of the server is gone, `calls` will see it.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.send(_answer(callee, header, values))
        output.under_way(None)


def call_model(callee: Callee, header: dict[str, Any], values: list[Any]) -> tuple[Any, list[str] | None]:
    """Return the model's result for a call, as a value that can be sent, and the names of its columns."""
    return _called(callee, header, values)[:2]


def _called(
    callee: Callee, header: dict[str, Any], values: list[Any]
) -> tuple[Any, list[str] | None, Beside | None]:
    """Return what ``call_model`` does, and what the model says beside it."""
    given = values[0] if is_array(header, values, callee.columns) else argument(header, values)
    said = response(callee.methods[header["method"]](given, header.get("params")), callee.component)
    return (*result(said.value), said.beside)


def _answer(callee: Callee, header: dict[str, Any], values: list[Any]) -> list[wire.Buffer]:
    call_id = {"id": header["id"]}
    began = time.perf_counter()
    try:
        value, names, beside = _called(callee, header, values)
        seconds = time.perf_counter() - began
        answer = {"event": "result", "names": names, "seconds": seconds, **call_id, **(beside or {})}
        return wire.limited(answer, value, callee.largest)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever the model raises is the answer, even SystemExit or a panic
        seconds = time.perf_counter() - began
        return wire.pack({"event": "error", "seconds": seconds, **call_id, **failure(error, values)}, [])


def answer_in_parts(callee: Callee, calls: CallQueue, connection: FrameConnection, call: Frame) -> None:
    """Send the parts that the model yields for a call, then the end; no other call runs meanwhile.

    A part is computed only when the server has asked for one. Where the server has cancelled the call, or its
    process is gone, the model's generator is closed.
    """
    header, values = call
    running = calls.begin(connection, header["id"], header[AHEAD])
    frames = _frames(callee, header, values)
    try:
        while calls.goes_on(running):
            try:
                frame = next(frames)
            except StopIteration as end:
                connection.send(end.value)
                return
            connection.send(frame)
            running.ahead -= 1
    except (BrokenPipeError, ConnectionResetError):
        return  # That process of the server is gone, as `calls` will see.
    finally:
        frames.close()
        calls.end(running)


def _frames(callee: Callee, header: dict[str, Any], values: list[Any]) -> Frames:
    call_id = {"id": header["id"]}
    seconds, began = 0.0, time.perf_counter()
    try:
        method = callee.methods[header["method"]]
        parts = method(argument(header, values), header.get("params"))
        try:
            for part in parts:
                seconds += time.perf_counter() - began
                yield wire.limited({"event": "part", **call_id}, part, callee.largest)
                began = time.perf_counter()
        finally:
            _close(parts)
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001  whatever the model raises is the answer, even SystemExit or a panic
        seconds += time.perf_counter() - began
        return wire.pack({"event": "error", "seconds": seconds, **call_id, **failure(error, values)}, [])
    seconds += time.perf_counter() - began
    return wire.pack({"event": "end", "seconds": seconds, **call_id}, [])


def _close(parts: Any) -> None:
    """Close a generator; an exception that it raises is logged, since its call is over."""
    try:
        if hasattr(parts, "close"):
            parts.close()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever the model raises
        output.write_exception(error, "the model's generator cannot be closed")
