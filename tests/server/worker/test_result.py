"""What becomes of a method's result, and what a custom Python model says beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from server.worker.result import response, result

BIG = 2**53 + 1
RESULTS = {
    "array": (np.array([[1, 2]]), [[1, 2]], None),
    "list": ([1, 2], [1, 2], None),
    "list-of-strings-and-numbers": (["a", 1, None], ["a", 1, None], None),
    "lists-of-several-lengths": ([[1, 2], [3]], [[1, 2], [3]], None),
    "list-of-dicts": ([{"a": 1}], [{"a": 1}], None),
    "scalar": (np.float64(0.5), [0.5], None),
    "float": (0.5, [0.5], None),
    "frame": (pd.DataFrame({"a": [1.0], "b": [2.0]}), [[1.0, 2.0]], ["a", "b"]),
    "mixed-frame": (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), [[1, "x"], [2, None]], ["a", "b"]),
    "integers-beside-doubles": (
        pd.DataFrame({"id": [BIG, 1], "v": [0.5, 1.5]}),
        [[BIG, 0.5], [1, 1.5]],
        ["id", "v"],
    ),
    "nullable-integers": (pd.DataFrame({"i": pd.array([BIG, None], "Int64")}), [[BIG], [None]], ["i"]),
    "booleans-beside-integers": (pd.DataFrame({"b": [True], "i": [2]}), [[True, 2]], ["b", "i"]),
    "small-beside-large-integers": (
        pd.DataFrame({"a": np.array([1], np.uint8), "b": np.array([BIG])}),
        [[1, BIG]],
        ["a", "b"],
    ),
    "no-columns": (pd.DataFrame(index=[0, 1]), [[], []], []),
    "list-of-booleans-and-numbers": ([True, 2], [True, 2], None),
    "list-of-a-large-integer-and-a-double": ([BIG, 0.5], [BIG, 0.5], None),
    "masked": (np.ma.array([1, 2], mask=[False, True]), [1, None], None),
    "set": ({1}, [1], None),
    "records": (np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]), [[1, 2.5]], ["a", "b"]),
    "series": (pd.Series([1.0, 2.0], name="y"), [1.0, 2.0], None),
    "series-with-a-gap": (pd.Series(["x", None], name="y"), ["x", None], None),
    "sparse": (sparse.csr_matrix([[0, 1]]), [[0, 1]], None),
}


@pytest.mark.parametrize(("returned", "sent", "names"), RESULTS.values(), ids=RESULTS)
def test_every_table_that_models_return_is_sent(returned, sent, names):
    value, columns = result(returned)
    found = value if isinstance(value, list) else value.tolist()
    assert repr(found) == repr(sent)  # In Python true equals 1.
    assert columns == names


def test_text_bytes_and_dicts_are_sent_as_they_are():
    for value in ("text", b"bytes", {"a": 1}):
        assert result(value) == (value, None)


def test_what_a_message_cannot_hold_is_refused_with_its_type():
    with pytest.raises(
        TypeError, match="the model returned a NoneType; it must return an array, a DataFrame"
    ):
        result(None)


class Component:
    def __init__(self, metrics=None, tags=None):
        self._metrics, self._tags = metrics, tags

    def metrics(self):
        return self._metrics

    def tags(self):
        return self._tags


class SeldonNotImplementedError(Exception):
    pass


class LeftToSeldon:
    def metrics(self):
        raise SeldonNotImplementedError

    def tags(self):
        raise NotImplementedError


class SeldonResponse:
    def __init__(self, data, tags=None, metrics=None):
        self.data, self.tags, self.metrics = data, tags, metrics


METRIC = {"key": "a", "type": "COUNTER", "value": np.int64(2)}
PLAIN = {"key": "a", "type": "COUNTER", "value": 2.0}


@pytest.mark.parametrize("component", [None, object(), Component(), Component([], {}), LeftToSeldon()])
def test_most_say_nothing(component):
    assert response([1], component) == ([1], None)


def test_metrics_and_tags_become_plain():
    component = Component([METRIC | {"tags": {"b": "c"}}], {"score": np.float64(0.5), "of": [np.int64(1)]})
    beside = {"metrics": [PLAIN | {"tags": {"b": "c"}}], "tags": {"score": 0.5, "of": [1]}}
    assert response([1], component) == ([1], beside)


def test_those_of_a_call_stand_behind_the_models_own():
    value, beside = response(
        SeldonResponse([1], {"b": 2}, [METRIC]), Component([METRIC | {"key": "own"}], {"a": 1, "b": 1})
    )
    assert value == [1]
    assert beside == {"metrics": [PLAIN | {"key": "own"}, PLAIN], "tags": {"a": 1, "b": 2}}
    assert response(SeldonResponse([1])) == ([1], None)


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (Component({"a": 1}), "the model's metrics are a dict: they must be a list"),
        (Component([1]), "the model's metric is 1: it must have a key"),
        (Component([{"key": "a", "type": "COUNTER"}]), "it must have a key"),
        (Component([METRIC | {"type": "OTHER"}]), "it must have a key"),
        (Component([METRIC | {"value": "b"}]), "it must have a key"),
        (Component([METRIC | {"value": float("nan")}]), "it must have a key"),
        (Component([METRIC | {"tags": {"b": 1}}]), "may have tags"),
        (Component(tags=[1]), "the model's tags are \\[1\\]: they must be a dict whose keys are strings"),
        (Component(tags={1: 2}), "they must be a dict whose keys are strings"),
    ],
)
def test_another_form_is_the_models_fault(component, message):
    with pytest.raises(TypeError, match=message):
        response([1], component)
