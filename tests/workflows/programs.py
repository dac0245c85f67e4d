"""The programs that stand in for those of GitHub's runner image, first on the PATH of a job, and how they were called."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.workflows.repository import Repository

PROGRAMS = ("make", "docker", "skopeo", "cosign", "gh", "kind", "kubectl", "helm")
_SOURCE = Path(__file__).with_name("stand_in.py")


@dataclass(frozen=True)
class Call:
    """One call: the program, its arguments, and the variables that it had."""

    program: str
    arguments: tuple[str, ...]
    environ: Mapping[str, str]

    @property
    def line(self) -> str:
        return " ".join([self.program, *self.arguments])


def install(folder: Path, repository: Repository, token: str, permissions: Mapping[str, str]) -> None:
    """Put the programs into the ``bin`` of a job's folder."""
    (folder / "bin").mkdir()
    for name in PROGRAMS:
        stand_in(folder / "bin" / name, repository)
    write(
        folder,
        make=shutil.which("make"),
        targets=repository.targets,
        permissions=permissions,
        registry=repository.registry,
        crane=str(repository.crane or ""),
        signatures=str(repository.signatures),
        attested=repository.attested,
        cosign=False,
    )
    (folder / "calls").touch()


def stand_in(program: Path, repository: Repository) -> None:
    """Write the stand-in for the program of this path's name."""
    program.write_text(f"#!{repository.runner.python} -I\n{_SOURCE.read_text()}")
    program.chmod(0o755)


def write(folder: Path, **said: object) -> None:
    """Add to what the programs of a job know."""
    file = folder / "programs.json"
    before = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**before, **said}))


def calls(folder: Path) -> list[Call]:
    """Return the calls in their order."""
    entries = map(json.loads, (folder / "calls").read_text().splitlines())
    return [Call(entry["program"], tuple(entry["arguments"]), entry["environ"]) for entry in entries]
