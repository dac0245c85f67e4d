"""A deployment's graph as a Mermaid flowchart."""

from __future__ import annotations

import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.diff.mermaid import mermaid, topology
from gitops.diff.model import Model
from gitops.manifests.seldondeployment import SeldonDeployment, seldon_deployment


def deployment(*predictors: dict[str, Any]) -> SeldonDeployment:
    return seldon_deployment(
        {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "metadata": {"name": "iris"},
            "spec": {"predictors": list(predictors)},
        }
    )


def node(name: str, type_: str = "MODEL", *children: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "type": type_, "children": list(children)}


def test_a_graph_is_drawn_as_request_and_answer_flow() -> None:
    graph = node("pre", "TRANSFORMER", node("post", "OUTPUT_TRANSFORMER", node("model")))
    model = Model("s3://mlflow/iris_svm/", f"sha256:{'ab' * 32}", "MODEL", "predict_proba", None, None, ())
    assert mermaid(deployment({"name": "main", "graph": graph}), {"model": model}, {"model"}) == (
        "flowchart LR\n"
        '  request(["request"])\n'
        '  answer(["answer"])\n'
        '  subgraph p0["predictor main: orchestrator, replicas 1"]\n'
        '    n0_0["pre<br>TRANSFORMER"]\n'
        '    n0_1["post<br>OUTPUT_TRANSFORMER"]\n'
        '    n0_2["model<br>MODEL<br>iris_svm<br>abababababab<br>calls predict_proba"]:::changed\n'
        "    n0_0 --> n0_2\n"
        "    n0_2 --> n0_1\n"
        "  end\n"
        "  request --> n0_0\n"
        "  n0_1 --> answer\n"
        "  classDef changed stroke-width:4px"
    )


def test_a_combiner_takes_the_answers_of_all_and_a_router_asks_one() -> None:
    graph = node("route", "ROUTER", node("sum", "COMBINER", node("a"), node("b")), node("c"))
    lines = mermaid(deployment({"name": "main", "graph": graph}), {}).splitlines()
    # route, sum, a, b, c
    arrows = {line.strip() for line in lines if "-->" in line}
    assert arrows == {
        *("request --> n0_0", "n0_0 --> n0_2", "n0_0 --> n0_3", "n0_0 --> n0_4"),
        *("n0_2 --> n0_1", "n0_3 --> n0_1", "n0_1 --> answer", "n0_4 --> answer"),
    }


def test_nodes_of_several_images_say_which_is_whose() -> None:
    def pod(name: str, digit: str) -> dict[str, Any]:
        return {"spec": {"containers": [{"name": name, "image": f"registry/server@sha256:{digit * 64}"}]}}

    graph = node("pre", "TRANSFORMER", node("model"))
    several = deployment(
        {"name": "main", "graph": graph, "componentSpecs": [pod("pre", "1"), pod("model", "2")]}
    )
    assert f'["pre<br>TRANSFORMER<br>image {"1" * 12}"]' in mermaid(several, {})
    assert f'["model<br>MODEL<br>image {"2" * 12}"]' in mermaid(several, {})
    one = deployment({"name": "main", "graph": graph, "componentSpecs": [pod("pre", "1"), pod("model", "1")]})
    assert "image" not in mermaid(one, {})


def test_a_canary_is_a_second_way_down() -> None:
    picture = mermaid(
        deployment(
            {
                "name": "main",
                "graph": node("model"),
                "traffic": 90,
                "annotations": {"seldon.io/no-engine": "true"},
            },
            {"name": "canary", "graph": node("model"), "traffic": 10, "replicas": 2},
        ),
        {},
    )
    assert 'p0["predictor main: no orchestrator, replicas 1, 90 #37; of the requests"]' in picture
    assert 'p1["predictor canary: orchestrator, replicas 2, 10 #37; of the requests"]' in picture
    assert "request --> n0_0" in picture
    assert "request --> n1_0" in picture


@given(st.text(string.printable, min_size=1))
def test_no_name_leaves_its_label(name: str) -> None:
    lines = mermaid(deployment({"name": "main", "graph": node(name)}), {}).splitlines()
    assert len(lines) == 9
    label = re.fullmatch(r'    n0_0\["([^"\[\]<>`]*)<br>MODEL"\]', lines[4])
    assert label is not None
    assert re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label[1]) == name


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"name": "main", "graph": node("model"), "replicas": 3}, True),
        ({"name": "main", "graph": node("other")}, False),
        ({"name": "main", "graph": node("model", "TRANSFORMER")}, False),
        ({"name": "main", "graph": node("model", "MODEL", node("model"))}, False),
        ({"name": "main", "graph": node("model"), "annotations": {"seldon.io/no-engine": "true"}}, False),
        ({"name": "other", "graph": node("model")}, False),
    ],
)
def test_what_makes_a_graph_another_one(other: dict[str, Any], same: bool) -> None:
    assert (
        topology(deployment({"name": "main", "graph": node("model")})) == topology(deployment(other))
    ) == same
