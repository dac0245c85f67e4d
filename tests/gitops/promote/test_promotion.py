"""A promotion from start to end, with a real store and the model in its own environment."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gitops.errors import BadArgument, GraphBroken, NoExample, PromotionFailed
from gitops.local.overlay import read_expected
from gitops.manifests.graphnode import GraphNode, read_node
from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from server.artifact.digest import model_digest
from server.pins import expectation
from tests.gitops.promote.conftest import MODELS, Work

pytestmark = pytest.mark.usefixtures("variables")
FOUR = {
    "overlays/model/node.yaml",
    "overlays/model/contract.json",
    "overlays/model/requirements.lock",
    "overlays/model/expected.json",
}


def read(work: Work) -> GraphNode:
    found = read_node(work.root / "overlays/model")
    assert found is not None
    return found


def beside_it(folder: Path) -> None:
    """Make another model of it that does the same."""
    (folder / "README.md").write_text("a note beside the model")


@pytest.mark.long
def test_a_model_is_pinned_by_four_files_and_its_graph_answers_anew(
    work: Work, changed_model: Callable[..., str]
) -> None:
    work.runs()
    graph = work.root / "overlays/pipeline/expected.json"
    right = expectation.read(graph)
    graph.write_text(graph.read_text().replace("-0.7080974854968067", "-0.8"))
    uri = changed_model("iris_svm_model", beside_it)
    file = work.root / "overlays/model/expected.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "tolerance": 1e-7}))
    old, was = read(work).model_uri, read(work).model_digest
    before, text = work.files(), (work.root / "overlays/model/node.yaml").read_text()
    said = work.promote("model", uri)
    assert work.changed(before) == {*FOUR, "overlays/pipeline/expected.json"}

    node = read(work)
    assert (node.model_uri, node.model_from) == (uri, uri)
    after = (work.root / "overlays/model/node.yaml").read_text()
    # Three lines, and all else as it was.
    kept = [line for line in after.splitlines() if not re.match("  model(Uri|Digest|From): ", line)]
    assert kept == [line for line in text.splitlines() if not re.match("  model(Uri|Digest): ", line)]
    assert len(after.splitlines()) == len(kept) + 3
    assert json.loads((work.root / "overlays/model/contract.json").read_text())["digest"] == node.model_digest
    lock = (work.root / "overlays/model/requirements.lock").read_text()
    assert f"# model: {node.model_digest}\n" in lock

    # The rows of the input example, and what the decision function, which the overlay asks for, makes of them.
    expected = read_expected(work.root / "overlays/model")
    assert expected.request["data"]["names"][0] == "sepal length (cm)"
    assert len(expected.request["data"]["ndarray"]) == 2
    response = {
        "data": {
            "names": ["Class_0", "Class_1", "Class_2"],
            "ndarray": [
                [-0.21889166563597023, 2.2164427474125596, 1.0191709443108774],
                [-0.207105710752793, 2.222226190831397, 0.9118773823101445],
            ],
        }
    }
    assert expected.differences(response) == []
    # How far off numbers may be is a setting of the overlay's.
    assert expected.tolerance == 1e-7

    # What a person reads: what was pinned, what it means, and where the difference of the files is.
    lines = said.splitlines()
    assert len(lines) <= 11, said
    assert lines[:2] == [
        f"overlays/model: pins {uri}",
        f"  digest    {node.model_digest[:19]}… (was {was[:19]}…)",
    ]
    shown = dict(line.split(maxsplit=1) for line in lines[1:-1])
    assert shown["files"] == "node.yaml, contract.json, requirements.lock, expected.json"
    assert (shown["packages"], shown["callers"]) == ("none changes", "nothing breaks")
    assert shown["graphs"] == "overlays/pipeline"
    assert shown["report"] == ".cache/promotions/model.md: every line that changes, and what a reviewer reads"
    report = (work.root / ".cache/promotions/model.md").read_text()
    assert f"-  modelUri: {old}\n" in report
    assert f"+  modelUri: {uri}\n" in report
    assert "## What changes against `the work tree`\n" in report
    assert f"| `graph node model` | `model URI` | `{old}`" in report
    # The graph that it is part of was run, on the request that it had.
    assert said.endswith("overlays/pipeline/expected.json: written\n")
    now = expectation.read(graph)
    assert right is not None
    assert now is not None
    assert now.request == right.request
    assert right.differences(now.response) == []
    assert now.models == {**right.models, "model": node.model_digest}
    assert [str(entry) for entry in findings(load(work.root)) if entry.level == "error"] == []

    # The pods' own fetch takes what is pinned, and nothing changes the second time.
    pinned = work.files()
    assert work.promote("model", uri) == "overlays/model: pins this model already; nothing changes\n"
    assert work.changed(pinned) == set()


@pytest.mark.long
def test_a_model_that_does_not_fit_its_graph_is_refused(work: Work, models: str) -> None:
    before = work.files()
    with pytest.raises(GraphBroken) as refused:
        work.promote("postprocessor", f"{models}/iris_preprocessor_model")
    lines = str(refused.value).splitlines()
    assert lines[0] == (
        "overlays/postprocessor: this model does not fit its neighbours, so nothing is changed; promote theirs first, "
        "or say FORCE=1"
    )
    assert (
        lines[1]
        == "  overlays/pipeline: model → postprocessor: column 'sepal length (cm)' is taken, and not answered"
    )
    assert (
        lines[-1] == "  overlays/pipeline: model → postprocessor: column 'Class_2' is answered, and not taken"
    )
    assert work.changed(before) == set()


@pytest.mark.long
def test_it_is_pinned_all_the_same_when_told_to(
    work: Work, models: str, caplog: pytest.LogCaptureFixture
) -> None:
    said = work.promote("postprocessor", f"{models}/iris_preprocessor_model", force=True)
    node = read_node(work.root / "overlays/postprocessor")
    assert node is not None
    assert node.model_digest == model_digest(MODELS / "iris_preprocessor_model")
    assert "\n  callers   BREAKING: input column `Class_0` (`double`) is gone, " in said
    report = (work.root / ".cache/promotions/postprocessor.md").read_text()
    assert "**Breaking: whoever calls these models must know before the merge.**" in report
    assert any(
        entry.startswith("pinned although it does not fit its neighbours:") for entry in caplog.messages
    )
    # The graph is known not to answer.
    assert said.endswith(
        "\nnote: overlays/pipeline is composed of it: the answer in its expected.json is that of the graph as it was; "
        "`make graph-answer OVERLAY=pipeline` runs it and writes the new one\n"
    )


@pytest.mark.long
def test_a_promotion_stands_where_its_graph_does_not_run(
    work: Work, changed_model: Callable[..., str]
) -> None:
    # The server's code is not below this root.
    before = work.files()
    said = work.promote("model", changed_model("iris_svm_model", beside_it))
    assert work.changed(before) == FOUR
    *_, why, what, _ = said.split("\n")
    assert why.startswith("note: overlays/pipeline does not run here: init container ")
    assert what.endswith("`make graph-answer OVERLAY=pipeline` runs it and writes the new one")


def no_signature(folder: Path) -> None:
    file = folder / "MLmodel"
    text, count = re.subn(r"\nsignature:\n(?:  .*\n)+", "\n", file.read_text())
    assert count == 1
    file.write_text(text)


@pytest.mark.long
def test_an_estimator_without_signature_is_promoted_on_its_example(
    work: Work, changed_model: Callable[..., str]
) -> None:
    work.promote("model", changed_model("iris_svm_model", no_signature))
    expected = read_expected(work.root / "overlays/model")
    # The columns of the rows and the classes of the model are all that names anything.
    assert expected.request["data"]["names"][0] == "sepal length (cm)"
    response = {
        "data": {
            "names": ["0", "1", "2"],
            "ndarray": [
                [-0.21889166563597023, 2.2164427474125596, 1.0191709443108774],
                [-0.207105710752793, 2.222226190831397, 0.9118773823101445],
            ],
        }
    }
    assert expected.differences(response) == []


def no_example(folder: Path) -> None:
    file = folder / "MLmodel"
    text = file.read_text()
    assert "saved_input_example_info:" in text
    file.write_text(re.sub(r"saved_input_example_info:\n(?:  .*\n)+", "", text))


def test_a_model_without_input_example_is_refused(work: Work, changed_model: Callable[..., str]) -> None:
    (work.root / "overlays/model/expected.json").unlink()
    uri, before = changed_model("iris_svm_model", no_example), work.files()
    with pytest.raises(NoExample) as refused:
        work.promote("model", uri)
    assert str(refused.value) == (
        f"{uri}: has no input example, so nothing says what it must answer; log it again with input_example=…, or give a "
        "request by EXAMPLE=file.json, or say EXAMPLE=none, and no answer is compared; nothing is changed"
    )
    assert work.changed(before) == set()


def wrong_example(folder: Path) -> None:
    file = folder / "serving_input_example.json"
    example = json.loads(file.read_text())
    example["dataframe_split"]["columns"][0] = "sepal"
    file.write_text(json.dumps(example))


@pytest.mark.long
def test_a_model_that_refuses_its_own_example_is_refused(
    work: Work, changed_model: Callable[..., str]
) -> None:
    uri, before = changed_model("iris_svm_model", wrong_example), work.files()
    with pytest.raises(NoExample) as refused:
        work.promote("model", uri)
    assert str(refused.value) == (
        f"{uri}: refuses its own input example: data.names lacks 'sepal length (cm)' and has unknown 'sepal': the "
        "model's signature has the columns 'sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width "
        "(cm)'; log it again with an input example that fits its signature, or give a request by EXAMPLE=file.json; "
        "nothing is changed"
    )
    assert work.changed(before) == set()


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("none", "overlay 'none': is not there; there are model, postprocessor, preprocessor, and `make new-overlay "
         "NAME=…` adds one"),
        ("", "OVERLAY is empty: name a folder of overlays/, as in OVERLAY=churn; there are model, postprocessor, "
         "preprocessor"),
        ("pipeline", "overlay 'pipeline': has no node.yaml, so promote into the overlays of its nodes; there are model, "
         "postprocessor, preprocessor, and `make new-overlay NAME=…` adds one"),
    ],
    ids=["missing", "empty", "graph"],
)  # fmt: skip
def test_an_overlay_that_is_not_there(work: Work, overlay: str, said: str) -> None:
    before = work.files()
    with pytest.raises(BadArgument) as refused:
        work.promote(overlay, "s3://promotion/iris_svm_model")
    assert str(refused.value) == said
    assert work.changed(before) == set()


def test_a_model_that_is_not_in_the_store(work: Work, models: str) -> None:
    before = work.files()
    with pytest.raises(PromotionFailed) as refused:
        work.promote("model", f"{models}/none")
    assert str(refused.value).startswith(f"{models}/none: ")
    assert str(refused.value).endswith("; nothing is changed")
    assert "\n" not in str(refused.value)
    assert work.changed(before) == set()


def test_a_store_that_does_not_answer(work: Work, models: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    before = work.files()
    with pytest.raises(PromotionFailed) as refused:
        work.promote("model", f"{models}/iris_svm_model")
    assert "127.0.0.1:1" in str(refused.value)
    assert str(refused.value).endswith("; nothing is changed")
    assert "\n" not in str(refused.value)
    assert work.changed(before) == set()
