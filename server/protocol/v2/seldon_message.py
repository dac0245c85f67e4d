"""SeldonMessages in the Open Inference Protocol: the request that means the same, and its answer in the shape of a message."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from server.errors import BadData
from server.protocol.json_codec import decode
from server.protocol.v2.tensor import BYTES, DATATYPES
from server.schema.json_arrays import shown
from server.schema.json_data import tabled

# The only input, where the request's columns have no names.
INPUT = "input-1"


def request(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inference request that means what a SeldonMessage of a table or an array means.

    Raises:
        BadData: it is none, or holds what the protocol has no tensor for.
    """
    read = tabled(decode(message))
    values = read.values.tolist() if isinstance(read.values, np.ndarray) else read.values
    if not isinstance(values, list) or not values:
        raise BadData(
            f"{read.kind} is no table or array, and the Open Inference Protocol carries nothing else"
        )
    found: dict[str, Any] = {"parameters": {**read.params}} if read.params else {}
    if read.names is None:
        return {**found, "inputs": [_tensor(INPUT, values)]}
    if not all(isinstance(row, list) and len(row) == len(read.names) for row in values):
        raise BadData(f"{read.kind} must have rows of {len(read.names)} values, one for each of the names")
    # A single column is one of a table too, whatever the signature says.
    found.setdefault("parameters", {})["content_type"] = "pd"
    columns = zip(read.names, zip(*values, strict=True), strict=True)
    return {**found, "inputs": [_tensor(name, list(column)) for name, column in columns]}


def _tensor(name: str, values: list[Any]) -> dict[str, Any]:
    """Return values, one for each row, as a tensor with a type that JSON's values have."""
    try:
        array = np.array(values)
    except ValueError:
        array = np.array(None)  # The rows are of different lengths.
    if array.dtype.kind == "O" and {*map(type, array.ravel().tolist())} <= {int, float, type(None)}:
        array = array.astype(np.float64)
    if array.dtype.kind == "U":
        flat = np.array(values, dtype=object).ravel().tolist()
        if all(isinstance(value, str) for value in flat):
            return {"name": name, "datatype": BYTES, "shape": list(array.shape), "data": flat}
    elif array.dtype in DATATYPES and array.ndim and (array.dtype.kind == "b" or not _has_booleans(values)):
        flat = [None if value != value else value for value in array.ravel().tolist()]
        return {"name": name, "datatype": DATATYPES[array.dtype], "shape": list(array.shape), "data": flat}
    raise BadData(
        f"{name!r} has {shown(values)}: the Open Inference Protocol carries numbers, truth values or text, one type in a "
        "column and no text missing"
    )


def _has_booleans(values: list[Any]) -> bool:
    """Return whether there are truth values among others, which numpy takes for 0 and 1."""
    return any(isinstance(value, bool) for value in np.array(values, dtype=object).ravel().tolist())


def response(expected: Mapping[str, Any], answer: Any) -> dict[str, Any]:
    """Return the outputs of an inference response in the shape of the ``expected`` SeldonMessage, to compare the two.

    Outputs of another form are no answer: nothing is returned then. Names of columns come back only where each is an output of
    its own; the expected ones stand for them otherwise.
    """
    outputs = answer.get("outputs") if isinstance(answer, Mapping) else None
    if not isinstance(outputs, list) or not outputs or not all(map(_is_output, outputs)):
        return {}
    found: dict[str, Any] = {}
    for key, value in expected.items():
        if key == "data":
            if len({output["shape"][0] for output in outputs}) > 1:
                return {}
            found[key] = _data(value, outputs)
        elif isinstance(value, dict):
            found[key] = {each["name"]: _like(value.get(each["name"]), each) for each in outputs}
        else:
            found[key] = _like(value, outputs[0])
    return found


def _is_output(output: Any) -> bool:
    """Return whether an output has a name, and values for its shape: raw bytes are not asked for."""
    if not isinstance(output, Mapping) or not isinstance(output.get("name"), str):
        return False
    data, shape = output.get("data"), output.get("shape")
    if (
        not isinstance(data, list)
        or not isinstance(shape, list)
        or not isinstance(output.get("datatype"), str)
    ):
        return False
    return bool(shape) and all(type(size) is int for size in shape) and math.prod(shape) == len(data)


def _data(expected: Mapping[str, Any], outputs: list[dict[str, Any]]) -> dict[str, Any]:
    names = expected.get("names")
    is_table = len(outputs) > 1 or (names is not None and [outputs[0]["name"]] == names)
    given: dict[str, Any] = {} if names is None else {"names": names}
    if is_table:
        given = {"names": [output["name"] for output in outputs]}
        rows = [list(row) for row in zip(*map(_flat, outputs), strict=True)]
    elif "tensor" in expected:
        return {**given, "tensor": {"shape": expected["tensor"]["shape"], "values": _flat(outputs[0])}}
    else:
        rows = _like(expected.get("ndarray"), outputs[0])
    if "tensor" in expected:
        values = [value for row in rows for value in row]
        return {**given, "tensor": {"shape": [len(rows), len(outputs)], "values": values}}
    return {**given, "ndarray": rows}


def _flat(output: Mapping[str, Any]) -> list[Any]:
    """Return an output's values as Seldon's JSON has them: numbers as doubles, which FP32 is written shorter than."""
    data: list[Any] = output["data"]
    if output["datatype"] == "FP32":
        return [None if value is None else float(np.float32(value)) for value in data]
    return data


def _like(expected: Any, output: Mapping[str, Any]) -> Any:
    """Return an output's values as a list, a list of lists or a single value, whichever ``expected`` is."""
    flat = _flat(output)
    if isinstance(expected, list):
        if not expected or not isinstance(expected[0], list):
            return [_value(expected[0] if expected else None, value) for value in flat]
        array = np.empty(len(flat), dtype=object)
        array[:] = flat
        return array.reshape(output["shape"]).tolist()
    return _value(expected, flat[0] if flat else None)


def _value(expected: Any, value: Any) -> Any:
    """Return a value: what is no tensor's comes as its JSON, in text."""
    if isinstance(value, str) and not isinstance(expected, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
