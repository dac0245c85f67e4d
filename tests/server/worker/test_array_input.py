"""Which models get an array in place of a DataFrame: called both ways, over all that this is said of."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances

from server.worker.argument import TAKEN, array_columns, is_array
from server.worker.result import result
from server.worker.rowwise import METHODS
from tests.server.worker.test_rowwise import X, Y, problems

NAMES = ["a", "b", "c", "d"]
FRAME = pd.DataFrame(X, columns=NAMES)


def fitted(kind, output):
    for estimator in _construct_instances(kind):
        for table, target in problems():
            frame = pd.DataFrame(table, columns=[f"c{index}" for index in range(table.shape[1])])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    # IsotonicRegression is fitted to a column, and has no names.
                    made = clone(estimator).fit(frame, target)
                    if output is not None:
                        made.set_output(transform=output)
                except (ValueError, TypeError, AttributeError):
                    continue  # It is not for problems of this kind, or has no output to be set.
            yield made, frame


def outcome(method, rows):
    try:
        value, names = result(method(rows))
    except (ValueError, IndexError) as error:  # So does OrdinalEncoder with more columns than it knows.
        return type(error), str(error)
    return (
        (value.dtype, value.shape, value.tobytes(), names)
        if isinstance(value, np.ndarray)
        else (getattr(value, "tolist", lambda: value)(), names)
    )


@pytest.mark.long
@pytest.mark.parametrize("output", [None, "pandas"])
@pytest.mark.parametrize("name", sorted(TAKEN - {"IsotonicRegression"}))
def test_both_give_the_same(name, output):
    compared = 0
    for estimator, frame in fitted(dict(all_estimators())[name], output):
        assert array_columns(estimator) == list(frame.columns)
        for method in sorted(METHODS):
            if hasattr(estimator, method):
                for count in (1, 7, 100):
                    rows = frame[:count]
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        by_array = outcome(getattr(estimator, method), np.ascontiguousarray(rows.to_numpy()))
                        by_frame = outcome(getattr(estimator, method), rows)
                    assert by_array == by_frame, (method, count)
                    compared += 1
    assert compared or (output is not None and not hasattr(dict(all_estimators())[name], "set_output"))


KNOWN = {"an estimator": SVC(), "a pipeline": make_pipeline(StandardScaler(), SVC())}
UNKNOWN = {
    "a matrix product": LogisticRegression(),
    "a choice by name": make_pipeline(ColumnTransformer([("a", StandardScaler(), ["a"])]), SVC()),
    "a function of the user's": make_pipeline(FunctionTransformer(), SVC()),
}


@pytest.mark.parametrize("estimator", KNOWN.values(), ids=KNOWN)
def test_known_are(estimator):
    assert array_columns(clone(estimator).fit(FRAME, Y)) == NAMES


@pytest.mark.parametrize("estimator", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_are(estimator):
    assert array_columns(clone(estimator).fit(FRAME, Y)) is None


def test_one_that_was_fitted_without_names_has_none():
    assert array_columns(SVC().fit(X, Y)) is None


HEADER = {"as": "frame", "names": NAMES, "columnar": False}
OTHERS = {
    "other names": ({"names": ["a", "b", "d", "c"]}, X),
    "no names": ({"names": None}, X),
    "a value a column": ({"columnar": True}, X),
    "values to be converted": ({"convert": {"0": "datetime"}}, X),
    "an array was asked for": ({"as": "array"}, X),
    "booleans": ({}, X > 0),
    "nested lists": ({}, X.tolist()),
}


def test_numbers_with_the_columns_that_are_known_are_an_array():
    assert is_array(HEADER, [X], NAMES)
    assert not is_array(HEADER, [X], None)


@pytest.mark.parametrize(("header", "value"), OTHERS.values(), ids=OTHERS)
def test_other_frames_are_not(header, value):
    assert not is_array({**HEADER, **header}, [value], NAMES)
