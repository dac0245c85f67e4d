"""What a job that runs models may hand to the one that writes, and what not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitops.errors import BadArgument
from gitops.promote import patch
from gitops.promote.result import PromotionResult, markdown
from tests.gitops.promote.conftest import Work

ALIAS = "models:/iris@champion"
DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def promotion(work: Work, tmp_path: Path) -> dict[str, Any]:
    """What is written of a promotion into overlays/model, which comes from an alias."""
    folder = work.root / "overlays/model"
    own = f"{(folder / 'node.yaml').read_text()}  modelFrom: {ALIAS}\n"
    (folder / "node.yaml").write_text(own)
    before = work.files()
    old = next(line.split(": ")[1] for line in own.splitlines() if line.startswith("  modelUri: "))
    digest = next(line.split(": ")[1] for line in own.splitlines() if line.startswith("  modelDigest: "))
    (folder / "node.yaml").write_text(own.replace(old, "s3://models/new").replace(digest, DIGEST))
    for name in ("contract.json", "requirements.lock", "expected.json"):
        (folder / name).write_text(f"the new {name}\n")
    outcomes = [
        PromotionResult("model", "promoted", ALIAS, old, "s3://models/new"),
        PromotionResult("preprocessor", "failed", ALIAS, old, reason="no `such` model"),
    ]
    (work.root / "overlays/pipeline/expected.json").write_text("the new answer\n")
    patch.write(work.root, outcomes, ["overlays/pipeline"], tmp_path / "patch.json")
    for name, content in before.items():
        (work.root / name).write_bytes(content)
    found: dict[str, Any] = json.loads((tmp_path / "patch.json").read_text())
    return found


def apply(work: Work, tmp_path: Path, content: Any) -> list[PromotionResult]:
    file = tmp_path / "given.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return patch.apply(work.root, file)


def test_a_promotion_is_written_as_it_was(work: Work, tmp_path: Path, promotion: dict[str, Any]) -> None:
    before = work.files()
    outcomes = apply(work, tmp_path, promotion)
    graph = "overlays/pipeline/expected.json"
    assert work.changed(before) == {graph, *(f"overlays/model/{name}" for name in patch.FILES)}
    assert (work.root / "overlays/model/expected.json").read_text() == "the new expected.json\n"
    assert (work.root / graph).read_text() == "the new answer\n"
    text = (work.root / "overlays/model/node.yaml").read_text()
    assert f"  modelUri: s3://models/new\n  modelDigest: {DIGEST}\n" in text
    assert [(entry.overlay, entry.result) for entry in outcomes] == [
        ("model", "promoted"),
        ("preprocessor", "failed"),
    ]
    said = markdown(outcomes)
    assert f"| `model` | promoted | `{ALIAS}` | `{outcomes[0].before}` | `s3://models/new` |\n" in said
    assert said.endswith(
        "<details><summary>preprocessor failed</summary>\n\n```\nno `such` model\n```\n\n</details>\n"
    )
    # The second time it is there already.
    before = work.files()
    apply(work, tmp_path, promotion)
    assert work.changed(before) == set()


def change(path: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    def changed(content: dict[str, Any]) -> Any:
        place: Any = content
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        for step in steps:
            place = place[step]
        place[last] = value(place.get(last)) if callable(value) else value
        return content

    return changed


def another_key(content: dict[str, Any]) -> Any:
    return {**content, "overlays": [{**content["overlays"][0], "../../Makefile": "x"}]}


def twice(content: dict[str, Any]) -> Any:
    return {**content, "overlays": [content["overlays"][0], content["overlays"][0]]}


def no_promotion(content: dict[str, Any]) -> Any:
    return {**content, "overlays": content["overlays"][1:]}


NO_GRAPH = "is no graph here that an overlay promoted with it is part of"


FILES = "overlays/0/files"


@pytest.mark.parametrize(
    ("hostile", "said"),
    [
        (change("overlays/0/overlay", "../base"), "overlay '../base': is not there"),
        (
            change("overlays/0/overlay", "model/../preprocessor"),
            "overlay 'model/../preprocessor': is not there",
        ),
        (change("overlays/0/overlay", ".."), "overlay '..': is not there"),
        (change("overlays/0/overlay", ""), "overlay '': is not there"),
        # It has no node.yaml: it is composed of others.
        (change("overlays/0/overlay", "pipeline"), "overlay 'pipeline': is not there"),
        (
            change("overlays/0/overlay", "preprocessor"),
            "overlays/preprocessor/node.yaml: only modelUri and modelDigest of an overlay promoted from an alias may change",
        ),
        (
            change(f"{FILES}/kustomization.yaml", "x"),
            "overlay 'model': must have the files node.yaml, contract.json, ",
        ),
        (another_key, "each overlay must have overlay, result, "),
        (change("overlays/1/files", {"node.yaml": "x"}), "overlay 'preprocessor': must have the files "),
        (
            change(f"{FILES}/expected.json", 7),
            "overlay 'model': expected.json must be a text of up to 4194304 bytes",
        ),
        (change(f"{FILES}/expected.json", "a\0b"), "overlay 'model': expected.json must be a text "),
        (change(f"{FILES}/expected.json", "\ud800"), "overlay 'model': expected.json must be a text "),
        (
            change(f"{FILES}/requirements.lock", "é" * 2_100_000),
            "overlay 'model': requirements.lock must be a text ",
        ),
        (
            change(f"{FILES}/node.yaml", lambda text: text.replace("xtype: ", "xtype: x")),
            "overlays/model/node.yaml: only modelUri and modelDigest ",
        ),
        (
            change(f"{FILES}/node.yaml", lambda text: text.replace(ALIAS, "models:/evil@champion")),
            "overlays/model/node.yaml: only modelUri and modelDigest ",
        ),
        (
            change(f"{FILES}/node.yaml", lambda text: f"{text}---\n{text}"),
            "overlays/model/node.yaml: must hold one object",
        ),
        (
            change(f"{FILES}/node.yaml", "!!python/object/apply:os.system [true]"),
            "overlays/model/node.yaml:1: could not determine a constructor for the tag ",
        ),
        (change("overlays/0/result", "merged"), "result must be one of promoted, unchanged, failed"),
        (change("overlays/0/reason", "x" * 9_000), "reason must be a text of up to 8000 characters"),
        (change("graphs/model", "x"), f"graph 'model': {NO_GRAPH}"),
        (lambda content: {**content, "graphs": {"../pipeline": "x"}}, f"graph '../pipeline': {NO_GRAPH}"),
        (no_promotion, f"graph 'pipeline': {NO_GRAPH}"),
        (
            change("graphs/pipeline", 7),
            "graph 'pipeline': expected.json must be a text of up to 4194304 bytes",
        ),
        (change("graphs", []), "must be an object with a list of overlays and an object of graphs"),
        (twice, "names the overlay 'model' twice"),
        (change("files", {}), "must be an object with a list of overlays"),
        (lambda _: [], "must be an object with a list of overlays"),
        (lambda _: b"\xff", "is no JSON of `make promotion-patch`: "),
        (lambda _: b"[" * 100_000, "is no JSON of `make promotion-patch`: "),
        (lambda _: b"diff --git a/Makefile b/Makefile\n", "is no JSON of `make promotion-patch`: "),
    ],
)
def test_what_is_hostile_changes_nothing(
    work: Work, tmp_path: Path, promotion: dict[str, Any], hostile: Callable[[dict[str, Any]], Any], said: str
) -> None:
    before = work.files()
    with pytest.raises(BadArgument) as refused:
        apply(work, tmp_path, hostile(promotion))
    assert str(refused.value).removeprefix(f"PATCH '{tmp_path}/given.json': ").startswith(said)
    assert work.changed(before) == set()


@pytest.mark.parametrize("name", ["model", "model/requirements.lock", "pipeline/expected.json"])
def test_a_link_is_not_followed(work: Work, tmp_path: Path, promotion: dict[str, Any], name: str) -> None:
    link = work.root / "overlays" / name
    link.rename(tmp_path / "elsewhere")
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadArgument, match="is no regular file, and is not written"):
        apply(work, tmp_path, promotion)


def test_a_file_that_is_not_there(work: Work, tmp_path: Path) -> None:
    with pytest.raises(BadArgument) as refused:
        patch.apply(work.root, tmp_path / "none")
    assert str(refused.value) == (
        f"PATCH '{tmp_path}/none': cannot be read (No such file or directory); name the file of `make promotion-patch`"
    )
