"""What a call brings over the wire as the argument of the model's method: an array, a DataFrame or a list.

Estimators of scikit-learn look at a DataFrame's names, find them to be those they know, and make an array of it. For few
rows this takes longer than the rest of the call: those that may get an array in place of a DataFrame do.
tests/server/worker/test_argument.py calls each of these estimators both ways.
"""

from __future__ import annotations

import base64
import datetime
import importlib
import re
import warnings
from typing import Any

import numpy as np

from .rowwise import COMPOSITES, ESTIMATORS, parts

# The zone of a time of day.
ZONE = re.compile(r"(?:Z|([+-])(\d\d):(\d\d))$")
# A ColumnTransformer chooses columns by their names; the others hand them to an estimator of any kind.
OPEN = frozenset(("ColumnTransformer", "RFE", "RFECV"))
HANDING_ON = {name: where for name, where in COMPOSITES.items() if name not in OPEN}
TAKEN = ESTIMATORS - OPEN
# Of these kinds an array of the same numbers has the same type as the DataFrame.
KINDS = "fiu"


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


def array_columns(model: Any) -> list[str] | None:
    """Return the names that a model was fitted with, where an array does as well as a DataFrame with them, or None."""
    for part in parts(model, HANDING_ON):
        kind = type(part)
        if kind.__module__.partition(".")[0] != "sklearn" or kind.__name__ not in TAKEN:
            return None
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return None
    # A DataFrame was wanted, whose names are checked before.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    return list(names)


def is_array(header: dict[str, Any], values: list[Any], known: list[str] | None) -> bool:
    """Return whether the DataFrame that ``header`` describes is one of numbers with the columns ``known``."""
    return (
        known is not None
        and header["as"] == "frame"
        and not header["columnar"]
        and not header.get("convert")
        and header["names"] == known
        and getattr(values[0], "ndim", 0) == 2
        and values[0].dtype.kind in KINDS
    )
