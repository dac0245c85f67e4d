"""The request that a model is run on: its input example, one that the caller gives, or the overlay's last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BadArgument, NoExample
from server import mlmodel
from server.errors import BadExpectation
from server.mlmodel import Model
from server.pins import expectation
from server.protocol.input_example import example, message, parse

NONE = "none"
# A longer example would make the file, and with it the smoke test's request, as long.
ROWS = 10


@dataclass(frozen=True)
class Example:
    """What a model is to be tried with, in any form, or None for nothing; ``origin`` is what people call it."""

    content: Any
    origin: str


@dataclass(frozen=True)
class ExampleRequest:
    """The Seldon message that a model is tried with, or None where no answer is to be compared."""

    message: dict[str, Any] | None
    origin: str


def from_argument(given: str) -> Example | None:
    """Return what EXAMPLE=``given`` asks for: nothing, the content of a file, or no request at all (none).

    Raises:
        BadArgument: the file cannot be read, or is not JSON.
    """
    if not given:
        return None
    origin = f"EXAMPLE {given!r}"
    if given == NONE:
        return Example(None, origin)
    try:
        content = parse(Path(given).read_bytes())
    except OSError as error:
        raise BadArgument(
            f"{origin}: cannot be read ({error.strerror}); name a file of JSON, or say none"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadArgument(f"{origin}: is no JSON: {error}; {_FORMS}") from error
    if content is None or content in ([], {}):
        raise BadArgument(f"{origin}: holds no values; {_FORMS}")
    return Example(content, origin)


def from_overlay(folder: Path, name: str) -> Example | None:
    """Return what the overlay ``name`` in ``folder`` was promoted with the last time, if it ever was."""
    file = folder / expectation.FILE
    if not file.is_file():
        return None
    try:
        found = expectation.read(file)
    except BadExpectation:
        return None  # `make check` says so; a new model may have an example of its own.
    return Example(found.request if found else None, f"the request of {name}/{expectation.FILE}")


def choose(folder: Path, uri: str, given: Example | None, last: Example | None) -> ExampleRequest:
    """Return what the model in ``folder``, from ``uri``, is tried with.

    What is ``given`` counts; then its own input example; then what the overlay was promoted with ``last``.

    Raises:
        NoExample: there is no request to choose.
        NotAModel: the folder is no model.
    """
    model = mlmodel.read(folder)
    if given is not None:
        return _as_request(given, model)
    own = example(model)
    if own is not None:
        return ExampleRequest(shortened(own, model), "its own input example")
    if last is not None:
        return _as_request(last, model)
    raise NoExample(
        f"{uri}: has no input example, so nothing says what it must answer; log it again with input_example=…, or give a "
        "request by EXAMPLE=file.json, or say EXAMPLE=none, and no answer is compared; nothing is changed"
    )


def shortened(request: dict[str, Any], model: Model) -> dict[str, Any]:
    """Return a message with its first rows; what is not a list of rows, as a chat or a tensor of a fixed length, is whole."""
    if any(
        tensor.shape and tensor.shape[0] >= 0 for tensor in (model.inputs.tensors if model.inputs else ())
    ):
        return request
    if "data" in request and isinstance(request["data"].get("ndarray"), list):
        return {**request, "data": {**request["data"], "ndarray": request["data"]["ndarray"][:ROWS]}}
    value = request.get("jsonData")
    if not isinstance(value, dict):
        return request
    return {**request, "jsonData": {form: _first(form, entry, model) for form, entry in value.items()}}


def _first(form: str, entry: Any, model: Model) -> Any:
    if form == "dataframe_split" and isinstance(entry, Mapping) and isinstance(entry.get("data"), list):
        return {key: cells[:ROWS] if key in ("data", "index") else cells for key, cells in entry.items()}
    if form in ("inputs", "instances", "dataframe_records") and isinstance(entry, list) and model.inputs:
        return entry[:ROWS]
    if (
        form == "inputs"
        and isinstance(entry, dict)
        and all(isinstance(cells, list) for cells in entry.values())
    ):
        return {name: cells[:ROWS] for name, cells in entry.items()}
    return entry


def _as_request(asked: Example, model: Model) -> ExampleRequest:
    return ExampleRequest(None if asked.content is None else message(asked.content, model), asked.origin)


_FORMS = "write a Seldon message, a payload of MLflow's (inputs, dataframe_split, …) or rows, as in [[5.1, 3.5], [4.9, 3.0]]"
