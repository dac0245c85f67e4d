"""A Python model that answers with whatever it is asked for: tables and values of every type and package.

python answers.py DEST REQUIREMENT…

What the answer must be stands beside each.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import sys
import uuid
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from record import Record
from scipy import sparse

BIG = 2**53 + 1
NOON = datetime.datetime(2026, 1, 31, 12)
DATA = b"\xff\xfe"
BASE64 = "//4="


class Colour(enum.Enum):
    """Two."""

    RED = "red"
    BLUE = "blue"


def table(**columns):
    """Return a DataFrame."""
    return pd.DataFrame(columns)


# Value, names, rows.
TABLES = {
    "integers-beside-doubles": (
        lambda: table(id=[BIG, 1], v=[0.5, 1.5]),
        ["id", "v"],
        [[BIG, 0.5], [1, 1.5]],
    ),
    "unsigned-beside-signed": (
        lambda: pd.DataFrame({"u": np.array([2**64 - 1], np.uint64), "i": np.array([-BIG], np.int64)}),
        ["u", "i"],
        [[2**64 - 1, -BIG]],
    ),
    "booleans-beside-integers": (
        lambda: table(b=[True, False], i=[2, 1]),
        ["b", "i"],
        [[True, 2], [False, 1]],
    ),
    "nullable-with-a-gap": (
        lambda: table(i=pd.array([BIG, None], "Int64"), b=pd.array([True, None], "boolean")),
        ["i", "b"],
        [[BIG, True], [None, None]],
    ),
    "nullable-without-one": (lambda: table(i=pd.array([BIG, 1], "Int64")), ["i"], [[BIG], [1]]),
    "objects": (
        lambda: table(o=pd.Series([BIG, "a", None, 1.5], dtype=object)),
        ["o"],
        [[BIG], ["a"], [None], [1.5]],
    ),
    "lists-in-cells": (
        lambda: table(a=[[1, 2.5], []], d=[{"k": 1}, {}]),
        ["a", "d"],
        [[[1, 2.5], {"k": 1}], [[], {}]],
    ),
    "strings-with-a-gap": (lambda: table(s=["a", None], v=[1.5, 2.5]), ["s", "v"], [["a", 1.5], [None, 2.5]]),
    "categories": (
        lambda: table(c=pd.Categorical(["x", None]), n=pd.Categorical([3, 4])),
        ["c", "n"],
        [["x", 3], [None, 4]],
    ),
    "times": (lambda: table(t=pd.to_datetime([NOON, None])), ["t"], [["2026-01-31T12:00:00"], [None]]),
    "times-beside-numbers": (
        lambda: table(t=pd.to_datetime([None, NOON]), n=[1, 2]),
        ["t", "n"],
        [[None, 1], ["2026-01-31T12:00:00", 2]],
    ),
    "times-with-a-zone": (
        lambda: table(t=pd.to_datetime([NOON, None]).tz_localize("Europe/Berlin")),
        ["t"],
        [["2026-01-31T12:00:00+01:00"], [None]],
    ),
    "durations": (
        lambda: table(d=pd.to_timedelta(["1 days 00:00:01.5", None]), n=[1, 2]),
        ["d", "n"],
        [["P1DT0H0M1.5S", 1], [None, 2]],
    ),
    "periods-and-intervals": (
        lambda: table(p=pd.period_range("2026-01", periods=1, freq="M"), i=pd.interval_range(0, 1)),
        ["p", "i"],
        [["2026-01", "(0, 1]"]],
    ),
    "bytes": (lambda: table(b=[DATA, b"a", None]), ["b"], [[BASE64], ["YQ=="], [None]]),
    "decimals": (lambda: table(d=[decimal.Decimal("0.10")]), ["d"], [["0.10"]]),
    "sparse-columns": (
        lambda: table(a=pd.arrays.SparseArray([0, 1]), b=[0.5, 1.5]),
        ["a", "b"],
        [[0, 0.5], [1, 1.5]],
    ),
    "names-on-two-levels": (
        lambda: pd.DataFrame([[1, 2.5]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
        ["('a', 'x')", "('a', 'y')"],
        [[1, 2.5]],
    ),
    "names-that-are-numbers": (
        lambda: pd.DataFrame([[1, 2.5]], columns=[2020, 2021]),
        ["2020", "2021"],
        [[1, 2.5]],
    ),
    "no-rows": (lambda: table(a=pd.Series([], dtype="int64"), s=pd.Series([], dtype=object)), ["a", "s"], []),
    "of-polars": (
        lambda: pl.DataFrame(
            {"s": ["a", None], "t": [NOON, None], "i": [BIG, 1], "v": [0.5, None], "b": [DATA, None]}
        ),
        ["s", "t", "i", "v", "b"],
        [["a", "2026-01-31T12:00:00", BIG, 0.5, BASE64], [None, None, 1, None, None]],
    ),
    "of-polars-lazily": (lambda: pl.LazyFrame({"d": [datetime.date(2026, 1, 31)]}), ["d"], [["2026-01-31"]]),
    "numbers-of-polars": (lambda: pl.DataFrame({"a": [1.5], "b": [2.5]}), ["a", "b"], [[1.5, 2.5]]),
    "nested-in-polars": (
        lambda: pl.DataFrame({"l": [[1, 2]], "r": [{"k": "x"}]}),
        ["l", "r"],
        [[[1, 2], {"k": "x"}]],
    ),
    "of-pyarrow": (
        lambda: pa.table({"i": [BIG, None], "s": ["a", "b"], "t": pa.array([NOON, None])}),
        ["i", "s", "t"],
        [[BIG, "a", "2026-01-31T12:00:00"], [None, "b", None]],
    ),
    "a-batch-of-pyarrow": (
        lambda: pa.record_batch({"i": pa.array([1]), "b": pa.array([True])}),
        ["i", "b"],
        [[1, True]],
    ),
    "pandas-over-pyarrow": (
        lambda: pd.DataFrame(
            {"i": pd.array([BIG, None], "int64[pyarrow]"), "s": pd.array(["a", None], "string[pyarrow]")}
        ),
        ["i", "s"],
        [[BIG, "a"], [None, None]],
    ),
    "records-of-numpy": (
        lambda: np.array([(True, 1.5)], dtype=[("event", "?"), ("time", "<f8")]),
        ["event", "time"],
        [[True, 1.5]],
    ),
}
# Value, rows or a row of values.
VALUES = {
    "booleans-beside-integers-in-a-list": (lambda: [True, 2], [True, 2]),
    "booleans-of-numpy-beside-integers": (lambda: [[np.bool_(True), np.int64(2)]], [[True, 2]]),
    "a-large-integer-beside-a-double": (lambda: [BIG, 0.5], [BIG, 0.5]),
    "one-beyond-64-bits": (lambda: [2**70, -1], [2**70, -1]),
    "unsigned-and-signed-in-a-list": (lambda: [2**63, -1], [2**63, -1]),
    "masked-integers": (
        lambda: np.ma.array([[1, BIG], [3, 4]], mask=[[0, 0], [1, 0]]),
        [[1, BIG], [None, 4]],
    ),
    "masked-doubles": (lambda: np.ma.array([1.5, 2.5], mask=[True, False]), [None, 2.5]),
    "masked-times": (
        lambda: np.ma.array(np.array(["2026-01-31", "2026-02-01"], "datetime64[ns]"), mask=[0, 1]),
        ["2026-01-31T00:00:00", None],
    ),
    "nothing-masked": (lambda: np.ma.array([1, 2], mask=False), [1, 2]),
    "masked-rows-in-a-list": (lambda: [np.ma.array([1, 2], mask=[0, 1])], [[1, None]]),
    "times-in-an-array": (
        lambda: np.array(["2026-01-31T12:00:00.5", "NaT"], "datetime64[ns]"),
        ["2026-01-31T12:00:00.500000", None],
    ),
    "days-in-an-array": (lambda: np.array(["2026-01-31", "NaT"], "datetime64[D]"), ["2026-01-31", None]),
    "times-in-a-list": (
        lambda: [pd.Timestamp(NOON), pd.NaT, NOON.date()],
        ["2026-01-31T12:00:00", None, "2026-01-31"],
    ),
    "durations-in-an-array": (
        lambda: np.array([[1500, -1]], "timedelta64[ms]"),
        [["P0DT0H0M1.5S", "-P0DT0H0M0.001S"]],
    ),
    "bytes-in-a-list": (lambda: [DATA, b"a"], [BASE64, "YQ=="]),
    "bytes-in-an-array": (lambda: np.array([b"a", DATA]), ["YQ==", BASE64]),
    "a-set": (lambda: {3}, [3]),
    "missing-in-objects": (lambda: np.array([1, pd.NA, None, "a"], dtype=object), [1, None, None, "a"]),
    "a-series-with-a-gap": (lambda: pd.Series([BIG, None], dtype="Int64"), [BIG, None]),
    "a-series-of-polars": (lambda: pl.Series(["a", None]), ["a", None]),
    "an-array-of-pyarrow": (lambda: pa.chunked_array([[BIG], [None]]), [BIG, None]),
    "a-sparse-matrix": (lambda: sparse.csr_matrix([[0, 1.5]]), [[0.0, 1.5]]),
    "quadruple-precision": (lambda: np.array([1.5], np.longdouble), [1.5]),
    "a-decimal": (lambda: decimal.Decimal("1.10"), ["1.10"]),
    "a-time": (lambda: NOON, ["2026-01-31T12:00:00"]),
}
# Value, object.
OBJECTS = {
    "keys-of-numpy": (
        lambda: dict(zip(np.array([0, 1]), np.array([0.25, 0.75]))),
        {"0": 0.25, "1": 0.75},
    ),
    "keys-of-other-types": (
        lambda: {"a": {np.bool_(True): 1, np.str_("s"): 2}, "b": [{NOON: 3, Colour.RED: 4}]},
        {"a": {"true": 1, "s": 2}, "b": [{"2026-01-31T12:00:00": 3, "red": 4}]},
    ),
    "bytes-in-a-dict": (lambda: {"a": DATA, "b": [b"a"]}, {"a": BASE64, "b": ["YQ=="]}),
    "values-of-other-types": (
        lambda: {
            "uuid": uuid.UUID(int=1),
            "path": pathlib.PurePosixPath("/a"),
            "enum": Colour.BLUE,
            "decimal": decimal.Decimal("0.10"),
            "duration": datetime.timedelta(hours=1, microseconds=1),
            "day": NOON.date(),
            "missing": [pd.NaT, pd.NA, np.datetime64("NaT"), float("nan")],
            "set": frozenset([1]),
            "range": range(2),
        },
        {
            "uuid": "00000000-0000-0000-0000-000000000001",
            "path": "/a",
            "enum": "blue",
            "decimal": "0.10",
            "duration": "P0DT1H0M0.000001S",
            "day": "2026-01-31",
            "missing": [None, None, None, None],
            "set": [1],
            "range": [0, 1],
        },
    ),
    "tables-in-a-dict": (
        lambda: {
            "pandas": table(i=[BIG], v=[0.5]),
            "polars": pl.DataFrame({"s": ["a"]}),
            "series": pd.Series([1]),
        },
        {"pandas": [{"i": BIG, "v": 0.5}], "polars": [{"s": "a"}], "series": [1]},
    ),
}
# What there is no form for, or is raised, and the words of the error.
ERRORS = {
    "a-complex-number": (lambda: [1j], "TypeError: a complex has no form in JSON"),
    "a-generator": (
        lambda: (each for each in "ab"),
        "TypeError: the model returned a generator; it must return",
    ),
    "a-key-of-two-parts": (lambda: {(1, 2): 3}, "TypeError: the key (1, 2) of a dict has no form in JSON"),
    "half-a-pair": (lambda: _raise(ValueError("no \ud800 here")), "ValueError: no \\ud800 here"),
    "no-text": (lambda: _raise(Unspeakable()), "Unspeakable: its text cannot be had: ZeroDivisionError"),
}


class Unspeakable(Exception):
    """One whose text is an error itself."""

    def __str__(self) -> str:
        return str(1 / 0)


def _raise(error):
    raise error


class Answers(mlflow.pyfunc.PythonModel):
    """Returns what the first cell names."""

    def predict(self, context, model_input):
        """Return a value."""
        name = model_input["case"][0]
        for cases in (TABLES, VALUES, OBJECTS, ERRORS):
            if name in cases:
                return cases[name][0]()
        raise KeyError(name)


def main(dest: Path, requirements: list[str]) -> None:
    """Log the model."""
    folder = dest / "answers"
    mlflow.pyfunc.save_model(str(folder), python_model=Answers(), pip_requirements=requirements)
    record = Record(folder)

    def ask(name, answer, **more):
        record.add({"names": ["case"], "ndarray": [[name]]}, answer, about=name, xtype="DataFrame", **more)

    for name, (_, names, rows) in TABLES.items():
        ask(name, rows, names=names)
    for cases in (VALUES, OBJECTS):
        for name, (_, answer) in cases.items():
            ask(name, answer)
    for name, (_, message) in ERRORS.items():
        ask(name, None, error=message)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
