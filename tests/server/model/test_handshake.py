"""The frames that tell the model's process what to load and how it will be called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.errors import NotAModel
from server.model.handshake import handshake, read, setup
from server.settings import ServeSettings
from tests.project import MODELS

SETTINGS = ServeSettings(model_uri=str(MODELS / "iris_svm_model"))


def test_what_is_loaded():
    frame = handshake(replace(SETTINGS, predict_method="decision_function"), read(SETTINGS))
    assert frame["folder"] == str(MODELS / "iris_svm_model")
    assert frame["methods"]["predict"][0] == "decision_function"
    assert frame["inputs"] == [
        *("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
    ]


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(NotAModel):
        read(replace(SETTINGS, model_uri=str(tmp_path)))


@pytest.mark.parametrize("example", [None, ({"method": "predict"}, [])])
def test_how_it_is_called(example):
    frame = setup(replace(SETTINGS, load_seconds=7, batching="on", max_answer_bytes=5), 2, example)
    assert (frame["load_seconds"], frame["server_processes"]) == (7, 2)
    assert (frame["batching"], frame["largest"]) == ("on", 5)
    assert frame["example"] == (example is not None)
    assert frame["spin"] == 0
