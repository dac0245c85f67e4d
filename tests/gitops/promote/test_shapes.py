"""Models of every form of request: promoted in a new overlay, served as its node says, and smoke-tested."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitops.local.store import Store
from gitops.manifests.graphnode import read_node
from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from gitops.promote.new_overlay import new_overlay
from server.pins import expectation
from server.pins.smoke import smoke
from tests.gitops.promote.conftest import BUCKET, Work
from tests.project import ROOT
from tests.server.running_server import IMAGE, serving

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("shapes"), pytest.mark.usefixtures("variables")]

CHAT = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Environments by their content: all these models have one."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture(autouse=True)
def cached(environments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT_CACHE", str(environments))


def add(work: Work, store: Store, model: Path, example: str = "") -> str:
    store.upload(model, BUCKET, f"shapes/{model.name}")
    out = io.StringIO()
    uri = f"s3://{BUCKET}/shapes/{model.name}"
    assert new_overlay(work.root, model.name, "MODEL", uri, out, example=example) == 0
    return out.getvalue()


def smoke_tested(work: Work, model: Path, folder: Path) -> dict[str, Any]:
    """Serve the model as its overlay says, run its smoke test, and return what is in expected.json."""
    overlay = work.root / "overlays" / model.name
    node = read_node(overlay)
    assert node is not None
    environment = folder / "environment"
    lock = {"ENVIRONMENT_LOCK": str(overlay / "requirements.lock")}
    subprocess.run(
        [sys.executable, "-m", "server", "environment", model, environment],
        cwd=ROOT,
        env={**os.environ, **lock},
        check=True,
        capture_output=True,
    )
    expected = expectation.read(overlay / "expected.json")
    with serving(folder, model, environment=environment, xtype=node.xtype) as served:
        url = str(served.client.base_url).rstrip("/")
        smoke(url, [node.model_digest], IMAGE, expected, seconds=30)
    content: dict[str, Any] = json.loads((overlay / "expected.json").read_text())
    assert content.get("models") == ({node.node: node.model_digest} if expected else None)
    return content


@pytest.mark.parametrize(
    ("name", "request_", "response"),
    [
        pytest.param(
            "unlike",
            {"jsonData": {"dataframe_split": {"columns": ["income", "city"], "data": [[1.5, "Basel"], [None, "Bern"]]},
                          "params": {"scale": 2.0}}},
            [["Basel", 3.0], ["Bern", None]],
            id="unlike-columns-gaps-and-parameters",
        ),
        pytest.param(
            "hinted",
            {"jsonData": {"inputs": [{"name": "x", "amount": 1.5, "tags": ["t"]}, {"name": "y", "amount": 2.0}]}},
            ["x:1.5:1", "y:2.0:0"],
            id="type-hint", marks=pytest.mark.weekly,
        ),
        pytest.param(
            "counted",
            {"data": {"names": ["0", "1", "2"], "ndarray": [[0.5, 0.25, 1.0], [0.0, 0.5, 0.125]]}},
            [1.75, 0.625],
            id="columns-named-by-integers", marks=pytest.mark.weekly,
        ),
        pytest.param("texts", {"jsonData": {"inputs": ["good", "bad"]}}, ["GOOD", "BAD"], id="tensor-of-texts", marks=pytest.mark.weekly),
    ],
)  # fmt: skip
def test_a_model_is_promoted_on_its_own_example(
    work: Work, store: Store, logged: Path, tmp_path: Path, name: str, request_: Any, response: Any
) -> None:
    add(work, store, logged / name)
    content = smoke_tested(work, logged / name, tmp_path)
    assert content["request"] == request_
    assert values(content["response"]) == response


def values(response: dict[str, Any]) -> Any:
    if "jsonData" in response:
        return response["jsonData"]
    return response["data"].get("ndarray")


def test_what_a_chat_says_anew_each_time_is_not_compared(
    work: Work, store: Store, logged: Path, tmp_path: Path
) -> None:
    add(work, store, logged / "chat")
    content = smoke_tested(work, logged / "chat", tmp_path)
    assert content["request"] == {"jsonData": CHAT}
    assert content["response"]["jsonData"]["choices"][0]["message"]["content"] == "hi"
    assert sorted(content["varies"]) == ["jsonData.created", "jsonData.id"]


def test_a_model_without_example_is_promoted_on_one_that_is_given(
    work: Work, store: Store, logged: Path, tmp_path: Path
) -> None:
    file = tmp_path / "example.json"
    file.write_text('[["a"], ["four"]]')
    add(work, store, logged / "words", str(file))
    content = smoke_tested(work, logged / "words", tmp_path)
    assert content == {
        "request": {"data": {"ndarray": [["a"], ["four"]]}},
        "response": content["response"],
        "models": content["models"],
    }
    assert values(content["response"]) == [1, 4]
    # The next promotion keeps it.
    work.promote("words", f"s3://{BUCKET}/shapes/words")
    assert json.loads((work.root / "overlays/words/expected.json").read_text()) == content


def test_a_model_without_example_is_promoted_on_none(
    work: Work, store: Store, logged: Path, tmp_path: Path
) -> None:
    said = add(work, store, logged / "words", "none")
    assert "\nnote: overlays/words/expected.json names no request, so no answer is compared\n" in said
    content = smoke_tested(work, logged / "words", tmp_path)
    assert content == {"request": None, "response": None}
    found = [entry for entry in findings(load(work.root)) if entry.folder == "overlays/words"]
    assert [(entry.level, entry.id) for entry in found] == [("warning", "answer-compared")]
    assert work.promote("words", f"s3://{BUCKET}/shapes/words").startswith(
        "overlays/words: pins this model already; nothing changes"
    )
