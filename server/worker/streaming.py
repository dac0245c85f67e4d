"""Stream an answer, part by part as the model yields them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Generator, List

from ..ipc import wire
from . import output
from .argument import argument
from .exceptions import failure

if TYPE_CHECKING:
    from ..ipc.connection import Frame, FrameConnection
    from .answer import Callee
    from .call_queue import CallQueue

# In the header of a call that is answered in parts: how many of them may be sent before the server asks for more.
AHEAD = "ahead"

# Yields a frame a part, and returns the one that ends the call.
Frames = Generator[List[wire.Buffer], None, List[wire.Buffer]]


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
