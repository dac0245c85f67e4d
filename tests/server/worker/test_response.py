"""What a custom Python model says beside its answer."""

from __future__ import annotations

import numpy as np
import pytest

from server.worker.result import response


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
