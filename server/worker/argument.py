"""What a call brings over the wire as the argument of the model's method."""

from __future__ import annotations

import base64
import datetime
import importlib
import re
from typing import Any

import numpy as np

# The zone of a time of day.
ZONE = re.compile(r"(?:Z|([+-])(\d\d):(\d\d))$")


def argument(header: dict[str, Any], values: list[Any]) -> Any:
    """Return the method's argument, described by ``header`` (see server.schema.arguments).

    ``header["as"]`` is "array" (one value: an ndarray, or nested lists), "frame" (a DataFrame with the columns
    ``header["names"]``, from one 2-D value or, if ``header["columnar"]``, from a value a column), "list" (a value for
    each row), "tensors" (a dict of an array a name) or "value" (a value as the request had it).
    """
    form = header["as"]
    convert = {int(index): kind for index, kind in header.get("convert", {}).items()}
    if form == "value":
        return values[0]
    if form == "list":
        return [converted(value, convert[0]) for value in values[0]] if convert else values[0]
    if form == "tensors":
        arrays = [_array(value, *nested) for value, nested in zip(values, header["nested"])]
        return dict(zip(header["names"], arrays))
    if form == "array":
        array = _array(values[0], *header["nested"][0])
        for index, kind in convert.items():
            array[:, index] = _objects([converted(value, kind) for value in array[:, index]])
        return array
    return _frame(header, values, convert)


def _frame(header: dict[str, Any], values: list[Any], convert: dict[int, Any]) -> Any:
    pandas = importlib.import_module("pandas")
    names = header["names"]
    if not header["columnar"]:
        return pandas.DataFrame(values[0], columns=names)
    columns = {
        index: [converted(cell, convert[index]) for cell in value] if index in convert else value
        for index, value in enumerate(values)
    }
    frame = pandas.DataFrame(columns)
    frame.columns = range(len(values)) if names is None else names
    return frame


def converted(value: Any, kind: Any) -> Any:
    """Return a JSON value with the times and bytes that its type (of a signature) has."""
    if value is None:
        return None
    name = kind if isinstance(kind, str) else kind["type"]
    if name == "binary":
        return base64.b64decode(value)
    if name == "datetime":
        return _time(value)
    if name == "array":
        return [converted(item, kind["items"]) for item in value]
    if name == "object":
        # A type hint's object may have more than the signature says.
        kinds = kind["properties"]
        return {key: converted(item, kinds[key]) if key in kinds else item for key, item in value.items()}
    if name == "map":
        return {key: converted(item, kind["values"]) for key, item in value.items()}
    return value


def _time(text: str) -> Any:
    """Return ISO 8601 as a datetime, which has a zone if the text has one."""
    zone = ZONE.search(text)
    time = np.datetime64(text[: zone.start()] if zone else text, "us").item()
    if zone is None:
        return time
    sign, hours, minutes = zone[1] or "+", int(zone[2] or 0), int(zone[3] or 0)
    offset = datetime.timedelta(hours=hours, minutes=minutes)
    return time.replace(tzinfo=datetime.timezone(-offset if sign == "-" else offset))


def _array(value: Any, dimensions: int, dtype: str) -> Any:
    """Return nested lists as an array that holds the objects they are, or text where ``dtype`` is "str".

    numpy alone would make strings of numbers beside strings, and more dimensions of lists in cells.
    """
    if isinstance(value, np.ndarray):
        return value
    shape, cells = [], [value]
    for _ in range(dimensions):
        shape.append(len(cells[0]))
        cells = [cell for row in cells for cell in row]
    return _objects(cells).reshape(shape).astype(dtype)


def _objects(cells: list[Any]) -> Any:
    array = np.empty(len(cells), dtype=object)
    for index, cell in enumerate(cells):
        array[index] = cell
    return array
