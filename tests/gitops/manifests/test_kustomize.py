"""Rendering with the real kustomize, and reading what it prints."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import BuildFailed
from gitops.manifests.documents import parse_objects
from gitops.manifests.kustomize import build
from tests.project import MANIFESTS


def kustomization(folder: Path, text: str, **files: str) -> Path:
    (folder / "kustomization.yaml").write_text(text)
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content)
    return folder


def test_renders_an_overlay() -> None:
    rendered = {entry["kind"]: entry["metadata"] for entry in build(MANIFESTS / "overlays/model")}
    assert rendered["SeldonDeployment"] == {"name": "graph-iris-model", "namespace": "seldon"}


def test_a_kustomization_may_render_nothing(tmp_path: Path) -> None:
    kustomization(
        tmp_path,
        "resources: [map.yaml]\n",
        map="apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map\n"
        "  annotations: {config.kubernetes.io/local-config: 'true'}\n",
    )
    assert build(tmp_path) == []


def test_a_folder_without_kustomization_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"unable to find one of 'kustomization\.yaml'"):
        build(tmp_path)


def test_a_field_that_node_yaml_lacks_is_named(tmp_path: Path) -> None:
    kustomization(
        tmp_path,
        "resources: [map.yaml]\n"
        "replacements:\n"
        "- source: {kind: ConfigMap, fieldPath: data.absent}\n"
        "  targets: [{select: {kind: ConfigMap}, fieldPaths: [metadata.name]}]\n",
        map="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\ndata: {there: x}\n",
    )
    with pytest.raises(
        BuildFailed, match=r"fieldPath `data\.absent` is missing for replacement source ConfigMap"
    ):
        build(tmp_path)


def test_what_kustomize_warns_of_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kustomization(
        tmp_path,
        "commonLabels: {team: iris}\nresources: [map.yaml]\n",
        map="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n",
    )
    (rendered,) = build(tmp_path)
    assert rendered["metadata"]["labels"] == {"team": "iris"}
    assert "'commonLabels' is deprecated" in caplog.text


def test_a_date_stays_the_string_that_it_is_for_kubernetes() -> None:
    assert parse_objects("a: 2020-01-01\nb: 2001-12-14t21:59:43.10-05:00\n", origin="x") == [
        {"a": "2020-01-01", "b": "2001-12-14t21:59:43.10-05:00"}
    ]


def test_empty_documents_are_left_out() -> None:
    assert parse_objects("---\n---\na: 1\n---\n", origin="x") == [{"a": 1}]


def test_text_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(BuildFailed, match=r"^x:2: did not find expected node content"):
        parse_objects("a: [", origin="x")


def test_a_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(BuildFailed) as caught:
        parse_objects("- a\n", origin="x")
    assert str(caught.value) == "x: ['a']: must be an object with apiVersion and kind"


TEXT = st.text(string.printable)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(st.dictionaries(TEXT, JSON, min_size=1, max_size=4), max_size=3))
def test_every_stream_of_objects_is_read_back(documents: list[dict[str, object]]) -> None:
    assert parse_objects(yaml.safe_dump_all(documents), origin="x") == documents
    assert (
        parse_objects("\n---\n".join(json.dumps(document) for document in documents), origin="x") == documents
    )


def test_what_is_built_once_is_built_again_only_where_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(
            "configMapGenerator: [{name: x, files: [a.txt]}]\n"
        )
        (tmp_path / name / "a.txt").write_text("kept by its content")
    first = build(tmp_path / "one")
    first[0]["kind"] = "changed by whoever got it"
    with monkeypatch.context() as patch:
        patch.setattr("gitops.manifests.kustomize.tool", lambda name: tmp_path / "no-such-tool")
        assert [entry["data"] for entry in build(tmp_path / "two")] == [{"a.txt": "kept by its content"}]
        assert build(tmp_path / "two")[0]["kind"] == "ConfigMap"
    (tmp_path / "two/a.txt").write_text("another")
    assert build(tmp_path / "two")[0]["data"] == {"a.txt": "another"}


def test_a_build_that_does_not_end_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = script(tmp_path / "hangs", "exec sleep 600")
    monkeypatch.setattr("gitops.manifests.kustomize.tool", lambda name: hangs)
    monkeypatch.setattr("gitops.manifests.kustomize.TIMEOUT_SECONDS", 0.1)
    kustomization(tmp_path, "resources: []\n")
    with pytest.raises(BuildFailed) as caught:
        build(tmp_path)
    assert str(caught.value) == f"kustomize build {tmp_path}: no answer after 0.1 s"


@pytest.mark.parametrize(
    ("program", "said"),
    [("exit 3", ""), ("printf 'panic: no disk\\nmain.go:1' >&2; exit 3", ": panic: no disk")],
)
def test_a_kustomize_that_ends_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    ends = script(tmp_path / "ends", program)
    monkeypatch.setattr("gitops.manifests.kustomize.tool", lambda name: ends)
    kustomization(tmp_path, "resources: []\n")
    with pytest.raises(BuildFailed) as caught:
        build(tmp_path)
    assert str(caught.value) == f"kustomize build {tmp_path}: kustomize ended without an answer{said}"


def script(file: Path, text: str) -> Path:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_a_process_that_ended_after_a_build_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps({"objects": '[{"a": 1}]', "messages": "", "failed": False})
    once = script(tmp_path / "once", f"read folder; printf '%s\\n' '{answer}'")
    monkeypatch.setattr("gitops.manifests.kustomize.tool", lambda name: once)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        kustomization(tmp_path / name, f"resources: []\n# {name}\n")
        assert build(tmp_path / name) == [{"a": 1}]


THING = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\nspec: {list: ENTRIES}\n"
SCHEMA = {
    "definitions": {
        "Thing": {
            "properties": {
                "spec": {
                    "properties": {
                        "list": {
                            "type": "array",
                            "items": {"type": "object"},
                            "x-kubernetes-patch-merge-key": "name",
                            "x-kubernetes-patch-strategy": "merge",
                        }
                    }
                }
            },
            "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Thing", "version": "v1"}],
        }
    }
}


def test_a_schema_that_one_kustomization_names_is_not_another_s(tmp_path: Path) -> None:
    def names(folder: str, text: str) -> list[str]:
        place = tmp_path / folder
        place.mkdir()
        (place / "schema.json").write_text(json.dumps(SCHEMA))
        files = {
            "thing": THING.replace("ENTRIES", "[{name: a}]"),
            "more": THING.replace("ENTRIES", "[{name: b}]"),
        }
        kustomization(
            place, f"resources: [thing.yaml]\npatches: [{{path: more.yaml}}]\n{text}# {folder}\n", **files
        )
        return sorted(entry["name"] for entry in build(place)[0]["spec"]["list"])

    # By a merge key both entries stay; without one the patch replaces the list.
    assert names("before", "") == ["b"]
    assert names("own", "openapi: {path: schema.json}\n") == ["a", "b"]
    assert names("after", "") == ["b"]
