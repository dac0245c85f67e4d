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
    """The loaded model as it is called.

    ``methods`` are the model's methods by name, ``columns`` those for which it takes an array in place of a DataFrame
    (array_input), ``names`` the output names of each method (output_names). ``largest`` is the size limit of an answer in
    bytes.
    """

    methods: dict[str, Method]
    columns: list[str] | None = None
    names: Mapping[str, list[str]] = {}
    largest: int = wire.LARGEST


def answer_all(callee: Callee, calls: CallQueue) -> None:
    """Answer calls until the server is gone, which raises EOFError.

    The output names of the fitted model are sent to each of the server's processes first, once for all answers.
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
    call_id = {"id": header["id"]}
    try:
        value, names = call_model(callee, header, values)
        return wire.limited({"event": "result", "names": names, **call_id}, value, callee.largest)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever the model raises is the answer, even SystemExit or a panic
        return wire.pack({"event": "error", **call_id, **failure(error, values)}, [])
