"""The batch check: methods whose rows get the same answer beside others as by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier

from server.worker.answer import Callee
from server.worker.batch_check import candidates, checked

ROWS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])


def callee(**methods) -> Callee:
    return Callee(
        {name: lambda rows, params, method=method: method(rows) for name, method in methods.items()}
    )


def found(method, mode="auto", rows=ROWS):
    return checked(
        callee(predict=method), ["predict"], {"as": "array", "nested": [[2, "object"]]}, [rows], mode
    )


def test_rows_that_are_independent():
    assert found(lambda rows: rows.sum(axis=1)) == (["predict"], [])


@pytest.mark.parametrize(
    ("method", "why"),
    [
        (
            lambda rows: rows.sum(axis=1) - rows.mean(),
            "a row of the model's input example gets another answer beside others",
        ),
        (lambda rows: rows.sum(axis=1) + 1e-16 * len(rows), "which is the type's rounding"),
        (lambda rows: rows[:1, 0], "its answer to 2 rows has 1"),
        (lambda rows: [], "its answer to a row of the model's input example has not one row"),
        (lambda rows: 1 / 0, "with the model's input example it raises ZeroDivisionError: division by zero"),
    ],
    ids=["mean", "rounding", "one row", "no row", "raises"],
)
def test_rows_that_are_not(method, why):
    names, (note,) = found(method)
    assert names == []
    assert note.startswith("predict is called for one request at a time: ")
    assert why in note
    assert found(method, "on")[0] == ["predict"]


def test_which_methods_are_tried():
    rows, classes = np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]
    tree, linear = DecisionTreeClassifier().fit(rows, classes), LinearRegression().fit(rows, classes)
    for model, expected in ((tree, ["predict"]), (linear, [])):
        assert candidates(model, callee(predict=model.predict), "auto") == expected
        assert candidates(model, callee(predict=model.predict), "on") == ["predict"]
        assert candidates(model, callee(predict=model.predict), "off") == []
