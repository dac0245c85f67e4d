"""A repository of one's own with what an image is made of, and a registry on loopback."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops.tools import tool
from tests.project import MANIFESTS, ROOT


@dataclass
class Repository:
    """A git repository below ``root``."""

    root: Path

    def git(self, *arguments: str) -> str:
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            **{f"GIT_{role}_NAME": "Tester" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": "tester@example.org" for role in ("AUTHOR", "COMMITTER")},
        }
        done = subprocess.run(
            ["git", "-C", self.root, *arguments], env=environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, subject: str = "Change something") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.root / file).read_text()
        assert old in text
        (self.root / file).write_text(text.replace(old, new, 1))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A commit of all that inputs, pin and plan read."""
    root = tmp_path / "repository"
    for name in ("base", "site"):
        shutil.copytree(MANIFESTS / name, root / name)
    for name in ("server/settings_loader.py", "server/mlmodel/signature.py", "tools/bootstrap.txt"):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, root / name)
    made = Repository(root)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit("Begin")
    return made


@pytest.fixture
def outputs(tmp_path: Path) -> dict[str, str]:
    """The environment of a step whose outputs can be read by `read_outputs`."""
    return {"GITHUB_OUTPUT": str(tmp_path / "outputs")}


def read_outputs(environ: dict[str, str]) -> dict[str, str]:
    """Return what a step wrote, and forget it."""
    file = Path(environ["GITHUB_OUTPUT"])
    found = dict(line.split("=", 1) for line in file.read_text().splitlines())
    file.unlink()
    return found


@pytest.fixture
def registry() -> Iterator[str]:
    """The address of an empty registry."""
    with subprocess.Popen(
        [tool("crane"), "registry", "serve", "--address", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if found := re.search(r"serving on (?:port |.*:)(\d+)", line):
                    yield f"127.0.0.1:{found[1]}"
                    break
            else:
                pytest.fail("the registry ended")
        finally:
            process.terminate()
