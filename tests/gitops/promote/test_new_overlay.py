"""Adding a deployment of one node."""

from __future__ import annotations

import io
import re

import pytest

from gitops.errors import BadArgument, PromotionFailed
from gitops.manifests.graphnode import read_node
from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from gitops.promote.new_overlay import KUSTOMIZATION, NODE, new_overlay
from tests.gitops.promote.conftest import Work
from tests.project import MANIFESTS


def add(work: Work, name: str, type_: str = "MODEL", model: str = "") -> str:
    out = io.StringIO()
    assert new_overlay(work.root, name, type_, model, out) == 0
    return out.getvalue()


def errors(work: Work) -> list[str]:
    return [str(entry) for entry in findings(load(work.root)) if entry.level == "error"]


def test_its_files_are_those_of_the_overlays_that_are_there() -> None:
    folder = MANIFESTS / "overlays" / "preprocessor"
    assert (folder / "kustomization.yaml").read_text() == KUSTOMIZATION.format(
        name="preprocessor", component=""
    )
    text = (folder / "node.yaml").read_text()
    for key in ("deployment", "modelUri", "modelDigest"):
        text = re.sub(f"  {key}: .*", f"  {key}: <{key}>", text)
    expected = NODE.format(name="preprocessor", type="TRANSFORMER")
    # The examples' columns have names, and DataFrame says that requests must have them too.
    text = text.replace("xtype: DataFrame", "xtype: auto")
    assert text.replace("<deployment>", "preprocessor") == expected


def test_it_waits_for_a_model(work: Work) -> None:
    before = work.files()
    said = add(work, "churn")
    assert work.changed(before) == {"overlays/churn/kustomization.yaml", "overlays/churn/node.yaml"}
    assert said.splitlines() == [
        "overlays/churn/kustomization.yaml: written",
        "overlays/churn/node.yaml: written",
        "It has no model yet, and `make check` says so until it has: make promote OVERLAY=churn MODEL=models:/name@alias",
    ]
    (error,) = errors(work)
    assert "overlays/churn" in error


@pytest.mark.long
@pytest.mark.usefixtures("variables")
def test_it_is_right_with_its_model(work: Work, models: str) -> None:
    before = work.files()
    said = add(work, "churn", "TRANSFORMER", f"{models}/iris_preprocessor_model")
    assert work.changed(before) == {
        f"overlays/churn/{name}"
        for name in (
            "kustomization.yaml",
            "node.yaml",
            "contract.json",
            "requirements.lock",
            "expected.json",
        )
    }
    assert "\n  callers   a new deployment\n" in said
    assert re.search(r"\n  packages  \d+ are installed, with hashes\n", said)
    assert "### `overlays/churn`: new" in (work.root / ".cache/promotions/churn.md").read_text()
    assert errors(work) == []
    node = read_node(work.root / "overlays/churn")
    assert node is not None
    assert (node.deployment, node.node, node.type) == ("churn", "churn", "TRANSFORMER")


def test_its_clients_speak_the_open_inference_protocol(work: Work) -> None:
    new_overlay(work.root, "churn", "MODEL", "", io.StringIO(), protocol="v2")
    text = (work.root / "overlays/churn/kustomization.yaml").read_text()
    assert "components:\n  - ../../base/node\n  - ../../components/open-inference-protocol\n" in text


def test_a_protocol_that_the_server_does_not_speak_is_refused(work: Work) -> None:
    before = work.files()
    with pytest.raises(BadArgument) as refused:
        new_overlay(work.root, "churn", "MODEL", "", io.StringIO(), protocol="tensorflow")
    assert str(refused.value) == "protocol 'tensorflow': must be one of seldon, v2; say it by PROTOCOL=…"
    assert work.changed(before) == set()


@pytest.mark.usefixtures("variables")
def test_without_its_model_nothing_is_written(work: Work, models: str) -> None:
    before = work.files()
    with pytest.raises(PromotionFailed, match=r"; nothing is changed$"):
        add(work, "churn", model=f"{models}/none")
    assert work.changed(before) == set()
    assert not (work.root / "overlays/churn").exists()


def test_an_example_is_for_a_model(work: Work) -> None:
    before = work.files()
    with pytest.raises(BadArgument) as refused:
        new_overlay(work.root, "churn", "MODEL", "", io.StringIO(), example="none")
    assert str(refused.value) == "EXAMPLE 'none': is for a model, and none is given; say MODEL=… too"
    assert work.changed(before) == set()


NAME = (
    "must be 1 to 31 of a–z, 0–9 and -, a letter first and no - last: Kubernetes names a Service by it; give it as in "
    "`make new-overlay NAME=churn`"
)


@pytest.mark.parametrize(
    ("name", "type_", "said"),
    [
        ("", "MODEL", f"overlay name '': {NAME}"),
        ("Churn", "MODEL", f"overlay name 'Churn': {NAME}"),
        ("churn-", "MODEL", f"overlay name 'churn-': {NAME}"),
        ("../churn", "MODEL", f"overlay name '../churn': {NAME}"),
        ("c" * 32, "MODEL", f"overlay name '{'c' * 32}': {NAME}"),
        (
            "churn",
            "model",
            "type 'model': must be one of MODEL, TRANSFORMER, OUTPUT_TRANSFORMER; say it by TYPE=…",
        ),
        (
            "model",
            "MODEL",
            "overlay name 'model': overlays/model is there already; choose another, or `make promote OVERLAY=model`",
        ),
        (
            "graph-iris-model",
            "MODEL",
            "overlay name 'graph-iris-model': overlays/model deploys under this name; choose another",
        ),
    ],
    ids=["empty", "capital", "ends-with-dash", "path", "too-long", "type", "taken", "deployment"],
)
def test_what_cannot_be_an_overlay(work: Work, name: str, type_: str, said: str) -> None:
    before = work.files()
    with pytest.raises(BadArgument) as refused:
        add(work, name, type_)
    assert str(refused.value) == said
    assert work.changed(before) == set()
