"""A model without a signature that returns what it gets, or what a text that it gets asks for.

It is the code of a model folder (tests.conformance.models), so it is imported by the model's process.
"""

from __future__ import annotations

import datetime
import importlib

import numpy as np


def _pandas():
    return importlib.import_module("pandas")


def _raise(error):
    raise error


RESULTS = {
    "bool": lambda: np.array([[True, False]]),
    "booleans-and-numbers": lambda: [True, 2],
    "bytes": lambda: b"\x00\xff",
    "data-frame": lambda: _pandas().DataFrame({"a": [1.5], "b": [2.5]}),
    "datetime": lambda: np.array([["2026-01-31T12:00:00"]], dtype="datetime64[s]"),
    "dates": lambda: [[datetime.date(2026, 1, 31)]],
    "big": lambda: {"a": 10**30, "b": [float("nan")]},
    "dict": lambda: {"a": [1, 2.5, None, {"b": "c"}]},
    "empty": lambda: np.empty((0, 3)),
    "empty-list": list,
    "exact": lambda: [[2**53 + 1, 0.5]],
    "float32": lambda: np.array([[0.1, 1e30]], dtype=np.float32),
    "infinite": lambda: np.array([[1.0, np.inf, -np.inf, np.nan]]),
    "int8": lambda: np.array([[1, -2]], dtype=np.int8),
    "labels": lambda: np.array(["setosa", "virginica"]),
    "missing-time": lambda: np.array([["2026-01-31", "NaT"]], dtype="datetime64[D]"),
    "limits": lambda: np.array([[5e-324, 1.7976931348623157e308, -0.0, 1e16, 0.1 + 0.2]]),
    "list": lambda: [1, 2, 3],
    "list-mixed": lambda: [[1, "a", None, True, 2.5]],
    "list-of-dicts": lambda: [{"a": 1}, {"b": 2}],
    "list-of-lists": lambda: [[1, 2], [3, 4]],
    "none": lambda: None,
    "objects": lambda: np.array([[1, "a", None]], dtype=object),
    "one-dimensional": lambda: np.array([1.5, 2.5]),
    "raises": lambda: _raise(ValueError("no")),
    "half": lambda: {"a": "\ud800"},
    "scalar": lambda: np.float64(1.5),
    "series": lambda: _pandas().Series([1.5, 2.5], name="a"),
    "strings": lambda: np.array([["a", "b"]]),
    "three-dimensional": lambda: np.arange(8.0).reshape(2, 2, 2),
    "tuple": lambda: ([1.5, 2.5], [3.5, 4.5]),
    "type-error": lambda: _raise(TypeError("no")),
    "uint64": lambda: np.array([[2**64 - 1]], dtype=np.uint64),
    "zero-dimensional": lambda: np.array(1.5),
}


class Echo:
    def predict(self, X):  # noqa: N803  scikit-learn's name
        return RESULTS[X]() if isinstance(X, str) and X in RESULTS else X

    def transform(self, X):  # noqa: N803
        return X if isinstance(X, np.ndarray) else {"transformed": True}
