"""What makes another image, and what does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gitops.errors import ReleaseFailed
from gitops.release.record import build_inputs
from tests.gitops.release.conftest import Repository


def another_version(package: str) -> Callable[[Repository], None]:
    def change(repository: Repository) -> None:
        lock = repository.root / "uv.lock"
        blocks = lock.read_text().split("[[package]]\n")
        (index,) = (at for at, block in enumerate(blocks) if block.startswith(f'name = "{package}"\n'))
        version = re.search(r'^version = "(.+)"$', blocks[index], re.MULTILINE)
        assert version is not None
        # In the names of its files too.
        blocks[index] = blocks[index].replace(version[1], "99.0")
        lock.write_text("[[package]]\n".join(blocks))

    return change


def another_file(repository: Repository) -> None:
    """Of a package's same version, as an index with files of its own has it."""
    lock = repository.root / "uv.lock"
    before, name, after = lock.read_text().partition('name = "orjson"\n')
    lock.write_text(before + name + re.sub(r"sha256:[0-9a-f]{8}", "sha256:01234567", after, count=1))


def another_mode(repository: Repository) -> None:
    (repository.root / "server/settings_loader.py").chmod(0o755)


def moved(repository: Repository) -> None:
    (repository.root / "server/settings_loader.py").rename(repository.root / "server/settings.py")
    repository.git("add", "--all")


def written(name: str) -> Callable[[Repository], None]:
    def change(repository: Repository) -> None:
        file = repository.root / name
        file.write_text((file.read_text() if file.exists() else "") + "# another\n")

    return change


@pytest.mark.parametrize(
    "change",
    [
        written("server/settings_loader.py"),
        written("Dockerfile"),
        written(".dockerignore"),
        written("tools/bootstrap.txt"),
        another_version("orjson"),
        # Of what the server's packages need in turn.
        another_version("requests"),
        another_file,
        another_mode,
        moved,
    ],
)
def test_another_image_has_other_inputs(repository: Repository, change: Callable[[Repository], None]) -> None:
    before = build_inputs(repository.root)
    assert re.fullmatch(r"[0-9a-f]{64}", before)
    change(repository)
    assert build_inputs(repository.root) != before


@pytest.mark.parametrize(
    "change",
    [
        another_version("ruff"),
        written("base/kustomization.yaml"),
        # Of the project's settings none but the packages' reaches the image.
        written("pyproject.toml"),
        written("server/scratch.py"),
        lambda repository: (repository.root / "server/settings_loader.py").chmod(0o600),
    ],
)
def test_the_same_image_has_the_same_inputs(
    repository: Repository, change: Callable[[Repository], None]
) -> None:
    before = build_inputs(repository.root)
    change(repository)
    assert build_inputs(repository.root) == before


def test_a_folder_elsewhere_has_the_same_inputs(repository: Repository, tmp_path: Path) -> None:
    clone = tmp_path / "elsewhere"
    repository.git("clone", "--quiet", ".", str(clone))
    assert build_inputs(clone) == build_inputs(repository.root)


def test_a_lock_that_cannot_be_read_says_so(repository: Repository) -> None:
    (repository.root / "uv.lock").write_text("version = 'none'\n")
    with pytest.raises(ReleaseFailed, match=r"uv cannot read the lock: .*uv\.lock"):
        build_inputs(repository.root)
