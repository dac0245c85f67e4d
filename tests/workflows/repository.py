"""The repository on GitHub: how it is set, what happens in it, and the runs that this starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uv

from tests.gitops.github.github import Github
from tests.workflows import programs, workflow
from tests.workflows.event import Event
from tests.workflows.pattern import selected
from tests.workflows.run import Run
from tests.workflows.runner import Runner
from tests.workflows.trigger import starts

_TOOLS = Path(__file__).parents[2] / ".cache" / "tools"
_SCHEMAS = _TOOLS.with_name("schemas")


@dataclass
class Environment:
    """A place to deploy to: what its jobs get, and from which branches and tags; None: from all."""

    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    refs: list[str] | None = None

    def takes(self, event: Event) -> bool:
        return self.refs is None or selected(self.refs, event.ref.removeprefix("refs/heads/"))


@dataclass
class Repository:
    """A repository with its settings.

    ``targets`` are make's that do nothing but what the text says to bash; ``registry`` is the
    address that stands for ghcr.io, and ``crane`` the program that speaks to it; ``attested`` are names and digests; ``minute`` is a minute of timeout-minutes,
    in seconds; ``advisories`` is what scanners find; ``site`` are the files of GitHub Pages.
    """

    github: Github
    runner: Runner
    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    advisories: str = ""
    bootstrapped: bool = True
    registry: str = ""
    crane: Path | None = None
    attested: list[str] = field(default_factory=list)
    site: dict[str, str] = field(default_factory=dict)
    minute: float = 60
    runs: int = 0
    _jobs: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.signatures = self.folder / "signatures"
        self.signatures.touch()
        self.runner.own(self.signatures)

    @property
    def signed(self) -> list[str]:
        """The images that were signed, by their names."""
        return self.signatures.read_text().splitlines()

    def environment(self, name: str) -> Environment:
        """Return the environment of this name, made as GitHub does where nobody has set it."""
        return self.environments.setdefault(name, Environment())

    def job_folder(self) -> Path:
        """Make the folder of a job."""
        self._jobs += 1
        folder = self.folder / "jobs" / str(self._jobs)
        folder.mkdir(parents=True)
        return folder

    def prepare(self, clone: Path) -> None:
        """Put the tools and schemas that were built already into a clone, and uv where it is ``bootstrapped``: it saves minutes."""
        if self.bootstrapped and (clone / "tools" / "bootstrap.sh").is_file():
            target = clone / ".cache" / "uv" / "bin" / "uv"
            target.parent.mkdir(parents=True)
            _same(Path(uv.find_uv_bin()), target)
        if not (clone / "tools" / "go.mod").is_file():
            return
        schemas = clone / ".cache" / "schemas"
        if _SCHEMAS.is_dir() and not schemas.exists():
            hidden = shutil.ignore_patterns(".*")  # Another process makes them.
            shutil.copytree(
                _SCHEMAS, schemas, ignore=hidden, copy_function=lambda file, to: _same(Path(file), Path(to))
            )
        for file in _TOOLS.glob("*/*"):
            if file.is_file():
                target = clone / ".cache" / "tools" / file.parent.name / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                if file.name == "crane" and self.crane is not None:
                    programs.stand_in(target, self)
                else:
                    _same(file, target)

    def workflows(self, sha: str) -> dict[str, workflow.Workflow]:
        """Return the workflows of a commit by their files' names."""
        bare = self.github.bare
        paths = bare.git("ls-tree", "--name-only", sha, f"{workflow.FOLDER}/").splitlines()
        files = [path for path in paths if path.endswith((".yml", ".yaml"))]
        return {Path(path).name: workflow.parse(path, bare.git("show", f"{sha}:{path}")) for path in files}

    def happens(self, event: Event, *only: str) -> dict[str, Run]:
        """Return the runs that ``event`` starts, each at its end, by their workflow's file; of ``only`` these files.

        Raises:
            BadWorkflow: GitHub would refuse a workflow, or nothing stands in for what it uses.
        """
        found = self.workflows(event.sha)
        runs = {}
        for name, each in found.items():
            if starts(each, event) and (not only or name in only):
                self.runs += 1
                runs[name] = Run(self, each, event, found, self.runs).start()
        return runs

    def started(self, event: Event) -> set[str]:
        """Return the files of the workflows that ``event`` starts, without starting them."""
        return {name for name, each in self.workflows(event.sha).items() if starts(each, event)}


def _same(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:
        shutil.copy2(file, target)


def crons(found: Mapping[str, workflow.Workflow]) -> set[str]:
    """Return all times that a workflow is started at."""
    return {entry["cron"] for each in found.values() for entry in each.on.get("schedule") or ()}
