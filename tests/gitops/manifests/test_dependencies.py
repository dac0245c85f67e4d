"""Which kustomizations a change of a file reaches."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitops.manifests.checkout import Checkout
from tests.gitops.diff.repository import Repository

OVERLAYS = ("model", "pipeline", "postprocessor", "preprocessor")


def fingerprints(root: Path) -> dict[str, str | None]:
    inputs = Checkout("", root).inputs
    return {overlay: inputs.fingerprint(f"overlays/{overlay}") for overlay in OVERLAYS}


def changed(repository: Repository, before: dict[str, str | None]) -> list[str]:
    after = fingerprints(repository.root)
    return [overlay for overlay in OVERLAYS if after[overlay] != before[overlay]]


def test_the_same_files_elsewhere_are_the_same(repository: Repository, tmp_path: Path) -> None:
    before = fingerprints(repository.root)
    assert None not in before.values()
    shutil.copytree(repository.root, tmp_path / "copy")
    assert fingerprints(tmp_path / "copy") == before


@pytest.mark.parametrize(
    ("file", "reached"),
    [
        ("overlays/model/node.yaml", ["model", "pipeline"]),
        ("overlays/model/contract.json", ["model", "pipeline"]),
        ("overlays/pipeline/seldondeployment.yaml", ["pipeline"]),
        ("base/seldondeployment.yaml", list(OVERLAYS)),
        ("base/node/names.yaml", list(OVERLAYS)),
        ("overlays/model/new.yaml", ["model", "pipeline"]),
        ("docs/page.md", []),
    ],
)
def test_a_change_reaches_those_that_refer_to_it(
    repository: Repository, file: str, reached: list[str]
) -> None:
    before = fingerprints(repository.root)
    repository.write(
        file, "# changed\n" + (repository.read(file) if (repository.root / file).is_file() else "")
    )
    assert changed(repository, before) == reached


def test_a_component_reaches_those_that_use_it(repository: Repository) -> None:
    repository.write("components/labels/kustomization.yaml", "kind: Component\n")
    repository.edit(
        "overlays/model/kustomization.yaml", "^components:$", "components:\n  - ../../components/labels"
    )
    before = fingerprints(repository.root)
    repository.write("components/labels/kustomization.yaml", "kind: Component\nlabels: []\n")
    assert changed(repository, before) == ["model", "pipeline"]


@pytest.mark.parametrize(
    "resource",
    [
        "https://example.com/manifests.yaml",
        "git::https://example.com/owner/name",
        "github.com/owner/name/folder?ref=main",
        "git@example.com:owner/name.git",
        "../../..",
        "../../../elsewhere",
    ],
)
def test_what_comes_from_elsewhere_is_not_known(repository: Repository, resource: str) -> None:
    repository.edit("overlays/model/kustomization.yaml", "^resources:$", f"resources:\n  - {resource}")
    found = fingerprints(repository.root)
    assert found["model"] is None
    assert found["pipeline"] is None
    assert found["preprocessor"] is not None


def test_a_patch_from_afar_is_not_known(repository: Repository) -> None:
    with (repository.root / "overlays/postprocessor/kustomization.yaml").open("a") as file:
        file.write("patches:\n  - path: https://example.com/patch.yaml\n")
    assert fingerprints(repository.root)["postprocessor"] is None


def test_a_long_value_is_no_folder(repository: Repository) -> None:
    with (repository.root / "overlays/postprocessor/kustomization.yaml").open("a") as file:
        file.write(f"commonAnnotations: {{note: {'a' * 300}}}\n")
    assert fingerprints(repository.root)["postprocessor"] is not None


def test_a_link_to_a_folder_is_not_known(repository: Repository) -> None:
    (repository.root / "overlays/model/link").symlink_to("../preprocessor")
    assert fingerprints(repository.root)["model"] is None


def test_a_kustomization_that_cannot_be_read_is_not_known(repository: Repository) -> None:
    repository.write("overlays/model/kustomization.yaml", "resources: [")
    assert fingerprints(repository.root)["model"] is None


def test_what_others_are_made_of_is_not_shown(repository: Repository) -> None:
    repository.write("elsewhere/kustomization.yaml", "resources: [part]\nnamespace: argocd\n")
    repository.write("elsewhere/part/kustomization.yaml", "resources: []\n")
    repository.write("argocd/kustomization.yaml", "resources: []\n")
    repository.write("components/unused/kustomization.yaml", "kind: Component\n")
    shown = Checkout("", repository.root).inputs.top_level
    assert {"elsewhere", "argocd", *(f"overlays/{overlay}" for overlay in OVERLAYS)} <= shown
    assert not shown & {"base", "base/node", "elsewhere/part", "components/unused"}
