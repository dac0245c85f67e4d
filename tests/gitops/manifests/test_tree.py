"""The kustomizations of a repository: overlays, components, and who uses which."""

from __future__ import annotations

import shutil

import pytest

from gitops.manifests.tree import load
from tests.gitops.policies.copies import Copy


@pytest.mark.parametrize("name", ["kustomization.yml", "Kustomization"])
def test_every_name_that_kustomize_knows_is_found(tree: Copy, name: str) -> None:
    file = tree.root / "overlays/pipeline/kustomization.yaml"
    file.rename(file.with_name(name))
    assert "overlays/pipeline" in load(tree.root).rendered


def test_hidden_folders_are_left_out(tree: Copy) -> None:
    shutil.copytree(tree.root / "overlays/pipeline", tree.root / ".cache/pipeline")
    assert ".cache/pipeline" not in load(tree.root).kustomizations


def test_a_component_knows_who_uses_it(tree: Copy) -> None:
    assert load(tree.root).users("base/node") == [
        "overlays/model",
        "overlays/postprocessor",
        "overlays/preprocessor",
    ]


def test_only_a_folder_right_below_overlays_is_an_overlay(tree: Copy) -> None:
    shutil.copytree(tree.root / "overlays/model", tree.root / "overlays/model/nested")
    rendered = load(tree.root)
    assert {folder: entry.overlay for folder, entry in rendered.rendered.items()} == {
        "base": "",
        "base/secrets": "",
        "overlays/model": "model",
        "overlays/pipeline": "pipeline",
        "overlays/postprocessor": "postprocessor",
        "overlays/preprocessor": "preprocessor",
    }
    assert list(rendered.failures) == ["overlays/model/nested"]
