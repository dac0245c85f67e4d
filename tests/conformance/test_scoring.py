"""MLflow's scoring protocol beside `mlflow models serve` of the same model."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from benchmarks.serving import peers
from benchmarks.serving.peer import HOST, running
from benchmarks.serving.rows import METHOD, MODEL
from tests.conformance.models import FEATURES, ROWS
from tests.server.running_server import serving

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("conformance")]

JSON, CSV = "application/json", "text/csv"
SPLIT = {"columns": FEATURES, "data": ROWS}
RIGHT = {
    "split": (JSON, {"dataframe_split": SPLIT}),
    "split with an index": (JSON, {"dataframe_split": {**SPLIT, "index": [0, 1]}}),
    "records": (JSON, {"dataframe_records": [dict(zip(FEATURES, row, strict=True)) for row in ROWS]}),
    "instances of objects": (JSON, {"instances": [dict(zip(FEATURES, row, strict=True)) for row in ROWS]}),
    "inputs by name": (
        JSON,
        {"inputs": {name: [row[index] for row in ROWS] for index, name in enumerate(FEATURES)}},
    ),
    "columns in another order": (
        JSON,
        {"dataframe_split": {"columns": FEATURES[::-1], "data": [row[::-1] for row in ROWS]}},
    ),
    "a column more": (
        JSON,
        {"dataframe_split": {"columns": [*FEATURES, "more"], "data": [[*row, 1.0] for row in ROWS]}},
    ),
    "whole numbers": (JSON, {"dataframe_split": {"columns": FEATURES, "data": [[6, 3, 5, 1]]}}),
    "csv": (CSV, "\n".join([",".join(FEATURES), *(",".join(map(str, row)) for row in ROWS)]) + "\n"),
    "csv with a charset": (
        f"{CSV}; charset=utf-8",
        "\n".join([",".join(FEATURES), *(",".join(map(str, row)) for row in ROWS)]),
    ),
}
WRONG = {
    "two forms": (JSON, {"dataframe_split": SPLIT, "instances": ROWS}),
    "a column less": (
        JSON,
        {"dataframe_split": {"columns": FEATURES[1:], "data": [row[1:] for row in ROWS]}},
    ),
    "text for a number": (JSON, {"dataframe_split": {"columns": FEATURES, "data": [["a", 3, 5, 1]]}}),
    "no JSON": (JSON, "{"),
    "another type of content": ("text/plain", "a"),
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Give the addresses of this server and of MLflow's."""
    folder = tmp_path_factory.mktemp("scoring")
    with (
        serving(folder, MODEL, xtype="auto", predict_method=METHOD) as served,
        running(peers.mlflow("mlflow models serve", {"--workers": "1"})) as peer,
    ):
        yield str(served.client.base_url), f"http://{HOST}:{peer.ports.http}"


def post(address: str, kind: str, message: object) -> httpx.Response:
    content = message if isinstance(message, str) else json.dumps(message)
    return httpx.post(f"{address}/invocations", content=content, headers={"content-type": kind}, timeout=60)


@pytest.mark.parametrize("case", RIGHT)
def test_it_answers_as_mlflow_does(servers, case):
    own, other = (post(address, *RIGHT[case]) for address in servers)
    assert (own.status_code, other.status_code) == (200, 200), (own.text, other.text)
    assert own.json().keys() == other.json().keys() == {"predictions"}
    np.testing.assert_allclose(own.json()["predictions"], other.json()["predictions"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", WRONG)
def test_it_refuses_what_mlflow_refuses(servers, case):
    own, other = (post(address, *WRONG[case]) for address in servers)
    assert own.status_code == 400
    assert 400 <= other.status_code < 500, other.text
    assert own.json().keys() == {"error_code", "message"}


def test_health(servers):
    for address in servers:
        assert httpx.get(f"{address}/ping").status_code == httpx.get(f"{address}/health").status_code == 200
        assert httpx.get(f"{address}/version").status_code == 200
