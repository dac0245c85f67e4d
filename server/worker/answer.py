"""Answer the calls of the server's processes, one after the other."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from ..ipc import wire
from .argument import argument
from .array_input import is_array
from .call_queue import CallQueue
from .exceptions import failure
from .methods import Method
from .result import result
from .streaming import AHEAD, answer_in_parts


class Callee(NamedTuple):
    """What is called.

    ``methods`` are a model's methods by their names, ``columns`` those for which it takes an array (see columns), and
    ``names`` by method what the model itself calls the columns of its answers (see names). ``largest`` is how many bytes an
    answer may have.
    """

    methods: dict[str, Method]
    columns: list[str] | None = None
    names: Mapping[str, list[str]] = {}
    largest: int = wire.LARGEST


def answer_all(callee: Callee, calls: CallQueue) -> None:
    """Answer calls until the server is gone, which raises EOFError.

    Each of the server's processes is told the names that the model has for its columns first, once for all answers.
    """
    if callee.names:
        calls.tell(wire.pack({"event": "names", "names": callee.names}, []))
    while True:
        connection, header, values = calls.next()
        if AHEAD in header:
            answer_in_parts(callee, calls, connection, (header, values))
            continue
        try:
            connection.send(_answer(callee, header, values))
        except (BrokenPipeError, ConnectionResetError):
            continue  # That process of the server is gone, as `calls` will see.


def call_model(callee: Callee, header: dict[str, Any], values: list[Any]) -> tuple[Any, list[str] | None]:
    """Return the model's result for a call, as a value that can be sent, and the names of its columns."""
    given = values[0] if is_array(header, values, callee.columns) else argument(header, values)
    return result(callee.methods[header["method"]](given, header.get("params")))


def _answer(callee: Callee, header: dict[str, Any], values: list[Any]) -> list[wire.Buffer]:
    said = {"id": header["id"]}
    try:
        value, names = call_model(callee, header, values)
        return wire.limited({"event": "result", "names": names, **said}, value, callee.largest)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever the model raises is the answer, even SystemExit or a panic
        return wire.pack({"event": "error", **said, **failure(error, values)}, [])
