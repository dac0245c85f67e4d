"""What a transformer's answer has for names, whichever process of the server and of the model gives it."""

from __future__ import annotations

import re
import shutil

import httpx
import pytest

from tests.project import MODELS
from tests.server.running_server import REST, serving

FEATURES = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
ROW = [6.8, 2.8, 4.8, 1.4]


@pytest.fixture(scope="module")
def scaler(tmp_path_factory):
    """A scaler whose signature says nothing of its outputs, run by two processes and served by two."""
    folder = tmp_path_factory.mktemp("scaler")
    model = folder / "model"
    shutil.copytree(MODELS / "iris_preprocessor_model", model)
    text, count = re.subn(
        r"\n  outputs: '.*?'\n", "\n", (model / "MLmodel").read_text(), count=1, flags=re.DOTALL
    )
    assert count == 1
    (model / "MLmodel").write_text(text)
    environ = {
        **REST,
        "SERVICE_TYPE": "TRANSFORMER",
        "SERVER_MODEL_PROCESSES": "2",
        "SERVER_EDGE_PROCESSES": "2",
    }
    with serving(folder, model, environ=environ) as served:
        yield served


def test_columns_are_called_what_they_are_and_not_as_the_request_has_them(scaler):
    like = {"data": {"names": FEATURES, "ndarray": [ROW]}}
    turned = {"data": {"names": FEATURES[::-1], "ndarray": [ROW[::-1]]}}
    unnamed = {"data": {"ndarray": [ROW]}}
    for message in (like, turned, unnamed) * 4:
        # On a connection of its own, so that each process gets some.
        response = httpx.post(f"{scaler.client.base_url}/transform-input", json=message, timeout=30)
        data = response.json()["data"]
        assert data["names"] == FEATURES
        assert data["ndarray"][0] == pytest.approx([1.16, -0.58, 0.59, 0.25], abs=0.05)
