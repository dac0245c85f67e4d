"""The copy of the manifests that the tests run on, and when it is written again."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops.adopt import Names, adopt
from gitops.release.pin import pin
from tests import project
from tests.project import MANIFESTS, ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """The parts of the project that this is about, as git has them."""
    for name in project.FOLDERS:
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    shutil.copytree(MANIFESTS, tmp_path / "tests" / "manifests")
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True)
    return tmp_path


@pytest.mark.skipif(project.adopted(), reason="the manifests here are a fork's own")
def test_the_copy_is_that_of_the_repository() -> None:
    before, now = project.copied(), project.manifests()
    differs = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    assert not differs, "tests/manifests is out of date: run `make test-manifests`, and commit what it writes"


def test_what_changed_is_written_and_what_is_gone_is_removed(clone: Path) -> None:
    assert list(project.update(clone)) == []
    (clone / "base/secrets/namespace.yaml").write_text("kind: Namespace\n")
    shutil.rmtree(clone / "overlays/pipeline")
    (clone / "overlays/new").mkdir()
    (clone / "overlays/new/kustomization.yaml").write_text("resources: []\n")
    written = list(project.update(clone))
    assert written == [
        "tests/manifests/base/secrets/namespace.yaml: written",
        "tests/manifests/overlays/new/kustomization.yaml: written",
        *(
            f"tests/manifests/overlays/pipeline/{name}: removed"
            for name in ("expected.json", "kustomization.yaml", "seldondeployment.yaml", "smoke.yaml")
        ),
    ]
    assert project.copied(clone) == project.manifests(clone)


def test_a_release_is_not_copied(clone: Path) -> None:
    assert list(pin(clone, f"sha256:{'a' * 64}"))
    assert list(project.update(clone)) == []


def test_a_fork_s_manifests_are_not_copied(clone: Path) -> None:
    assert not project.adopted(clone)
    list(adopt(clone, Names("acme", "models", "acme-models")))
    assert project.adopted(clone)


def test_a_repository_without_a_site_is_a_fork_s(clone: Path) -> None:
    shutil.rmtree(clone / "site")
    assert project.adopted(clone)


def test_tests_read_the_copy() -> None:
    """What a test says of an overlay must not be said of a fork's."""
    own = re.compile(rf"\bROOT / f?\"({'|'.join(project.FOLDERS)})\b")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in sorted((ROOT / "tests").rglob("*.py"))
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if own.search(line)
    ]
    assert found == []
