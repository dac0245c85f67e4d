"""Models logged by several MLflows on several Pythons, in their own environments, served by one server code."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests import pythons
from tests.polling import wait_for
from tests.server.flavors import making, page
from tests.server.flavors.comparison import compared
from tests.server.flavors.matrix import MATRIX, OFTEN, Logging
from tests.server.flavors.servers import Servers

pytestmark = pytest.mark.long


def marks(logging: Logging) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xdist_group(logging.group), *([] if logging.group in OFTEN else [pytest.mark.weekly])]


MODELS = [
    pytest.param(logging, name, id=f"{name}-{logging}", marks=marks(logging))
    for logging in MATRIX
    for name in logging.models
]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    running = Servers(tmp_path_factory.mktemp("flavors"))
    yield running
    running.end()


@pytest.mark.parametrize(("logging", "name"), MODELS)
def test_a_model_answers_what_it_answered_when_it_was_logged(logging: Logging, name: str, servers: Servers):
    pythons.needs(logging.python)
    model = making.logged(logging) / name
    for case in making.expected(model):
        served = servers(model, case["parameters"])
        response = served.post("/predict", case["message"])
        asked = json.dumps([case["parameters"], case["message"]])
        body = response.json()
        # Fails where MLflow's scoring server has another answer and the difference has no name.
        compared(case, body.get("data", {}).get("names"))
        if "refused" in case:
            assert response.status_code == 400, asked + response.text
            assert case["refused"] in body["status"]["info"], asked
            continue
        if case["error"] and response.status_code == 400:
            # Which of the two has the gap: the request.
            assert body["status"]["info"].startswith("the model cannot take the request: "), response.text
            assert "null" in asked, asked
            continue
        if case["error"]:
            assert response.status_code == 500, asked
            assert body["status"]["info"].startswith(case["error"]), response.text
            continue
        assert response.status_code == 200, asked + response.text
        answer = body.get("jsonData") or body["data"].get("ndarray")
        if answer is None:
            answer = shaped(body["data"]["tensor"])
        # In Python true equals 1.
        assert json.dumps(answer, sort_keys=True) == json.dumps(case["answer"], sort_keys=True), asked
        assert case["names"] is None or body["data"]["names"] == case["names"], asked
        wait_for(lambda served=served: f"on Python {logging.python}." in served.log.read_text())


@pytest.mark.parametrize(
    "logging",
    [pytest.param(each, id=str(each), marks=marks(each)) for each in MATRIX],
)
def test_the_page_says_how_its_answers_compare_with_those_of_mlflow(logging: Logging):
    pythons.needs(logging.python)
    assert page.stated(logging) == set(page.rows(logging)), page.OUTDATED


NAMED = [pytest.param(each, id=str(each), marks=marks(each)) for each in MATRIX if each.script == "named"]


@pytest.mark.parametrize("logging", NAMED)
def test_a_tree_behind_a_column_transformer_finds_its_columns(logging: Logging, servers: Servers):
    pythons.needs(logging.python)
    models = making.logged(logging)
    rows = [["Bonn", 33.0, 3100.0], ["Aachen", 71.0, 900.0], ["Celle", 29.0, 2200.0]]
    message = {"data": {"names": ["city", "age", "income"], "ndarray": rows}}
    parameters = {"xtype": "DataFrame"}
    between = servers(models / "named_columns", parameters).post("/transform-input", message)
    answer = servers(models / "named_tree", parameters).post("/predict", between.json())
    assert answer.json()["data"]["ndarray"] == [33.0, 71.0, 29.0]


@pytest.mark.weekly
@pytest.mark.xdist_group(MATRIX[-1].group)
def test_they_all_serve_beside_each_other(servers: Servers):
    alive = servers.alive()
    assert all(alive)
    assert len(alive) > 1 or not pythons.find(MATRIX[-1].python)


def shaped(tensor: dict[str, list[float]]) -> list[object]:
    """Return a tensor of a message as nested lists."""
    values = tensor["values"]
    for length in reversed(tensor["shape"][1:]):
        values = [values[start : start + length] for start in range(0, len(values), length)]
    return values
