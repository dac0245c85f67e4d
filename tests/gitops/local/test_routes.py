"""The order in which the nodes of a graph are called, as Seldon's orchestrator has it."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.errors import NotRunnable
from gitops.local.overlay import load
from gitops.local.routes import Call, calls
from tests.gitops.local.manifests import graph
from tests.project import MANIFESTS


def test_the_pipeline_is_walked_in_the_orchestrators_order() -> None:
    assert load(MANIFESTS / "overlays" / "pipeline").calls == (
        Call("preprocessor", "/transform-input"),
        Call("model", "/predict"),
        Call("postprocessor", "/transform-output"),
    )


def test_a_model_below_a_model_gets_its_answer() -> None:
    below = {"name": "below", "type": "MODEL"}
    assert calls(graph(children=[below])) == (Call("model", "/predict"), Call("below", "/predict"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"type": "ROUTER"},
            "spec.predictors[0].graph (node model) is of type ROUTER: the local run walks graphs of MODEL, "
            "TRANSFORMER, OUTPUT_TRANSFORMER",
        ),
        (
            {"type": ""},
            "spec.predictors[0].graph (node model) is of type none: the local run walks graphs of MODEL, "
            "TRANSFORMER, OUTPUT_TRANSFORMER",
        ),
        (
            {"methods": ["TRANSFORM_INPUT"]},
            "spec.predictors[0].graph.methods (node model) is set: the local run goes by the node's type only",
        ),
        (
            {"children": [{"name": "a", "type": "MODEL"}, {"name": "b", "type": "MODEL"}]},
            "spec.predictors[0].graph (node model) has 2 children: the local run walks chains, with at most one",
        ),
    ],
    ids=["router", "no-type", "methods", "branches"],
)
def test_a_graph_that_is_no_chain_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(NotRunnable) as error:
        calls(graph(**fields))
    assert str(error.value) == message
