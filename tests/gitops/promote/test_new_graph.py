"""Adding a graph, and writing what it answers."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gitops.errors import BadArgument, GraphBroken
from gitops.manifests.graph import flow
from gitops.manifests.graphnode import GraphNode, read_node
from gitops.manifests.rendered import Rendered, render
from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from gitops.promote.graph_answer import graph_answer
from gitops.promote.graph_overlay import GraphOverlay
from gitops.promote.new_graph import new_graph
from server.pins import expectation
from tests.gitops.promote.conftest import Work
from tests.project import MANIFESTS


def add(work: Work, name: str, nodes: str) -> str:
    out = io.StringIO()
    assert new_graph(work.root, name, nodes, out) == 0
    return out.getvalue()


def add_node(work: Work, name: str, of: str, **spec: str) -> None:
    """Add the overlay ``name``, of the model of the overlay ``of``."""
    folder = work.root / "overlays" / name
    shutil.copytree(work.root / "overlays" / of, folder)
    content = yaml.safe_load((folder / "node.yaml").read_text())
    content["metadata"]["name"] = name
    content["spec"] |= {"deployment": name, "node": name, **spec}
    (folder / "node.yaml").write_text(yaml.safe_dump(content))
    file = folder / "kustomization.yaml"
    file.write_text(file.read_text().replace(f"name: {of}-", f"name: {name}-"))
    file = folder / "expected.json"
    file.write_text(file.read_text().replace(f'"{of}":', f'"{name}":'))


def nodes(names: str) -> list[GraphNode]:
    found = [read_node(MANIFESTS / "overlays" / name) for name in names.split(",")]
    return [node for node in found if node]


@pytest.mark.parametrize(
    "names",
    ["preprocessor,model,postprocessor", "preprocessor,postprocessor,model"],
    ids=["way", "root-to-leaf"],
)
def test_the_graph_that_is_there_is_what_is_generated(names: str) -> None:
    texts = GraphOverlay.of("pipeline", nodes(names)).texts()
    folder = MANIFESTS / "overlays/pipeline"
    assert {Path(path).name for path in texts} == {file.name for file in folder.iterdir()} - {"expected.json"}
    for path, text in texts.items():
        assert (MANIFESTS / path).read_text() == text, path


@pytest.mark.long
def test_it_is_written_with_what_it_answers(work: Work) -> None:
    work.runs()
    shutil.rmtree(work.root / "overlays/pipeline")
    before = work.files()
    said = add(work, "pipeline", "preprocessor,model,postprocessor")
    files = ("kustomization.yaml", "seldondeployment.yaml", "smoke.yaml", "expected.json")
    assert work.changed(before) == {f"overlays/pipeline/{name}" for name in files}
    assert said.splitlines() == [
        *(f"overlays/pipeline/{name}: written" for name in files),
        "SeldonDeployment graph-iris-pipeline: request → preprocessor → model → postprocessor → answer",
        "Left to do before it is deployed (docs/install.md):",
        "- has the orchestrator, which drops no capabilities, and namespace seldon enforces restricted: set the "
        "namespace's label pod-security.kubernetes.io/enforce to baseline, and keep audit and warn at restricted",
    ]
    own, right = (
        expectation.read(root / "overlays/pipeline/expected.json") for root in (work.root, MANIFESTS)
    )
    assert own is not None
    assert right is not None
    assert (own.request, own.models) == (right.request, right.models)
    assert right.differences(own.response) == []

    # Run again, nothing changes; where the file is wrong, it is written.
    file = work.root / "overlays/pipeline/expected.json"
    written = file.read_bytes()
    wrong = json.loads(written)
    wrong["response"]["data"]["ndarray"][0][0] = 7.0
    for text, outcome in (
        (written, "is the answer of the graph already"),
        (json.dumps(wrong).encode(), "written"),
    ):
        file.write_bytes(text)
        out = io.StringIO()
        assert graph_answer(work.root, "pipeline", out) == 0
        assert out.getvalue() == f"overlays/pipeline/expected.json: {outcome}\n"
        assert file.read_bytes() == written


@pytest.mark.parametrize(
    ("folder", "left"),
    [
        (
            "argocd",
            "no Application has it: add {path: {path: overlays/churn}, spec: {deployment: graph-iris-churn}} to the list in "
            "argocd/applicationset-deployments.yaml",
        ),
        (
            "flux",
            "no Kustomization of Flux has it: add one named graph-iris-churn with the path ./overlays/churn to "
            "flux/kustomizations.yaml",
        ),
    ],
    ids=["argocd", "flux"],
)
@pytest.mark.long
def test_where_it_does_not_run_it_says_so(work: Work, folder: str, left: str) -> None:
    # Neither the models nor the server's code are below this root.
    shutil.copytree(MANIFESTS / folder, work.root / folder)
    said = add(work, "churn", "preprocessor,model")
    assert expectation.read(work.root / "overlays/churn/expected.json") is None
    *_, title, run, security, applied = said.splitlines()
    assert title == "Left to do before it is deployed (docs/install.md):"
    assert run.startswith("- it does not run here (init container ")
    assert run.endswith("so no answer is compared; where it does, run `make graph-answer OVERLAY=churn`")
    assert "pod-security.kubernetes.io/enforce" in security
    assert applied == f"- {left}"
    assert [str(entry) for entry in findings(load(work.root)) if entry.level == "error"] == []


@pytest.mark.long
def test_transformers_come_first_and_the_last_of_the_answer_is_the_outermost(work: Work) -> None:
    add_node(work, "scaler", "preprocessor")
    # What it answers is what the other one takes.
    add_node(work, "labels", "postprocessor")
    contracts = [work.root / "overlays" / name / "contract.json" for name in ("postprocessor", "labels")]
    for contract in contracts:
        content = json.loads(contract.read_text())
        content["signature"]["outputs"] = content["signature"]["inputs"]
        contract.write_text(json.dumps(content))
    said = add(work, "long", "labels,scaler,postprocessor,model,preprocessor")
    # No beginning is common to the names of these deployments.
    way = "request → scaler → preprocessor → model → labels → postprocessor → answer"
    assert f"SeldonDeployment graph-long: {way}\n" in said
    rendered = render(work.root, "overlays/long")
    assert isinstance(rendered, Rendered)
    (deployment,) = rendered.deployments
    (predictor,) = deployment.predictors
    nested = [node.name for node in predictor.graph.walk()]
    assert nested == ["scaler", "preprocessor", "postprocessor", "labels", "model"]
    passed = flow(predictor.graph)
    assert [node.name for node in (*passed.first, *(step[1] for step in passed.steps))] == way.split(" → ")[
        1:-1
    ]
    # Each container of the graph is that of its node's overlay.
    assert [container.name for container in predictor.containers] == nested
    wrong = [str(entry) for entry in findings(load(work.root)) if "overlays/long" in str(entry)]
    assert [entry for entry in wrong if entry.startswith("error")] == []


def other_columns(work: Work) -> str:
    file = work.root / "overlays/preprocessor/contract.json"
    content = json.loads(file.read_text())
    content["signature"]["outputs"] = content["signature"]["outputs"][1:]
    file.write_text(json.dumps(content))
    return "preprocessor,model"


def test_nodes_that_do_not_fit_are_refused(work: Work) -> None:
    names = other_columns(work)
    before = work.files()
    with pytest.raises(GraphBroken) as refused:
        add(work, "churn", names)
    assert str(refused.value) == (
        "overlays/churn: these nodes do not fit each other in this order, so nothing is changed; change the order, or "
        "promote models that fit\n"
        "  preprocessor → model: column 'sepal length (cm)' is taken, and not answered"
    )
    assert work.changed(before) == set()


def test_a_node_of_another_protocol_is_refused(work: Work) -> None:
    file = work.root / "overlays/model/kustomization.yaml"
    file.write_text(
        file.read_text().replace(
            "  - ../../base/node\n", "  - ../../base/node\n  - ../../components/open-inference-protocol\n"
        )
    )
    before = work.files()
    with pytest.raises(GraphBroken) as refused:
        add(work, "churn", "preprocessor,model")
    assert "asks by the protocol 'v2', the deployment's is 'seldon'; switch components/" in str(refused.value)
    assert work.changed(before) == set()


def unpromoted(work: Work) -> None:
    (work.root / "overlays/model/expected.json").unlink()


def router(work: Work) -> None:
    add_node(work, "router", "preprocessor", type="ROUTER")


def deployed(work: Work) -> None:
    add_node(work, "churn", "preprocessor", deployment="graph-iris-long")


def stem(work: Work) -> None:
    add_node(work, "churn", "preprocessor", deployment="graph")


USE = "give them as in `make new-graph NAME=pipeline NODES=preprocessor,model,postprocessor`"
NAME = (
    "must be 1 to 25 of a–z, 0–9 and -, a letter first and no - last: Kubernetes names the Service "
    "graph-iris-NAME-NAME by it; give it as in `make new-graph NAME=pipeline`"
)


@pytest.mark.parametrize(
    ("name", "names", "change", "said"),
    [
        ("Long", "preprocessor,model", None, f"overlay name 'Long': {NAME}"),
        ("../long", "preprocessor,model", None, f"overlay name '../long': {NAME}"),
        ("l" * 26, "preprocessor,model", None, f"overlay name '{'l' * 26}': {NAME}"),
        (
            "model",
            "preprocessor,model",
            None,
            "overlay name 'model': overlays/model is there already; choose another",
        ),
        (
            "long",
            "preprocessor,model",
            deployed,
            "overlay name 'long': overlays/churn deploys under the graph's name, graph-iris-long; choose another",
        ),
        (
            "long",
            "churn,model",
            stem,
            "NODES: 'churn' deploys as graph, which Kustomize needs for the graph before it adds -long; rename the "
            "deployment in overlays/churn/node.yaml",
        ),
        ("long", "", None, f"NODES '': a graph has a MODEL and a node before or after it; {USE}"),
        ("long", "model", None, f"NODES 'model': a graph has a MODEL and a node before or after it; {USE}"),
        (
            "long",
            "model,preprocessor,model",
            None,
            "NODES: 'model' is named twice, and a graph has one node of a name; name it once",
        ),
        (
            "long",
            "preprocessor,postprocessor",
            None,
            f"NODES 'preprocessor,postprocessor': none is a MODEL; a graph has one, which answers; {USE}",
        ),
        (
            "long",
            "model,churn",
            lambda work: add_node(work, "churn", "model"),
            f"NODES 'model,churn': model and churn are a MODEL; a graph has one, which answers; {USE}",
        ),
        (
            "long",
            "pipeline,model",
            None,
            "NODES: 'pipeline' is a graph itself, without a node.yaml; name overlays of one node",
        ),
        (
            "long",
            "none,model",
            None,
            "overlay 'none': is not there; there are model, postprocessor, preprocessor, and `make new-overlay NAME=…` "
            "adds one",
        ),
        (
            "long",
            "router,model",
            router,
            "NODES: 'router' is a ROUTER; a graph is generated of TRANSFORMER, OUTPUT_TRANSFORMER, MODEL",
        ),
        (
            "long",
            "preprocessor,model",
            unpromoted,
            "NODES: 'model' has no model yet; `make promote OVERLAY=model MODEL=…` first",
        ),
    ],
    ids=[
        "capital",
        "path",
        "too-long",
        "taken",
        "deployment",
        "stem",
        "empty",
        "one",
        "twice",
        "no-model",
        "two-models",
        "graph",
        "unknown",
        "router",
        "no-model-yet",
    ],
)
def test_what_cannot_be_a_graph(
    work: Work, name: str, names: str, change: Callable[[Work], None] | None, said: str
) -> None:
    if change is not None:
        change(work)
    before = work.files()
    with pytest.raises(BadArgument) as refused:
        add(work, name, names)
    assert str(refused.value) == said
    assert work.changed(before) == set()


def test_a_node_is_no_graph(work: Work) -> None:
    with pytest.raises(BadArgument) as refused:
        graph_answer(work.root, "model", io.StringIO())
    assert str(refused.value) == (
        "overlay 'model': is of one node, whose answer `make promote OVERLAY=model MODEL=…` writes; name a graph"
    )
