"""The files by which a step tells the runner something, and what it says on its output.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.workflows.runner import Runner

_COMMAND = re.compile(
    r"^::(?P<name>[a-z-]+)(?: (?P<about>[^:]*(?::(?!:)[^:]*)*))?::(?P<text>.*)$", re.MULTILINE
)
_ENDED = {"set-output", "save-state", "set-env", "add-path"}


class BadFile(Exception):
    """What a step wrote, the runner cannot read; the step fails of it."""


@dataclass(frozen=True)
class Files:
    """The files of one step, by the variable that names each."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, runner: Runner) -> Files:
        folder.mkdir(parents=True)
        files = cls(folder)
        for path in files.environ().values():
            Path(path).touch()
        runner.own(folder)
        return files

    def environ(self) -> dict[str, str]:
        names = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_STATE")
        return {name: str(self.folder / name.lower()) for name in names}

    def _text(self, name: str) -> str:
        return Path(self.environ()[name]).read_text(encoding="utf-8")

    @property
    def outputs(self) -> dict[str, str]:
        return dict(_pairs(self._text("GITHUB_OUTPUT")))

    @property
    def variables(self) -> dict[str, str]:
        """What later steps have in their environment; GitHub's own names are not for steps."""
        pairs = dict(_pairs(self._text("GITHUB_ENV")))
        if "NODE_OPTIONS" in pairs:
            raise BadFile("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command")
        return {name: value for name, value in pairs.items() if not name.startswith(("GITHUB_", "RUNNER_"))}

    @property
    def path(self) -> list[str]:
        return [line for line in self._text("GITHUB_PATH").splitlines() if line]

    @property
    def summary(self) -> str:
        text = self._text("GITHUB_STEP_SUMMARY")
        if len(text.encode()) > 1024 * 1024:
            raise BadFile("$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k")
        return text


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    lines = iter(text.splitlines())
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, value = line.split("=", 1)
        elif heredoc >= 0:
            name, end = line.split("<<", 1)
            value = "\n".join(_until(end, lines))
        else:
            raise BadFile(f"Invalid format '{line}'")
        if not name:
            raise BadFile(f"Invalid format '{line}'. Name must not be empty")
        yield name, value


def _until(end: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == end:
            return
        yield line
    raise BadFile(f"Invalid value. Matching delimiter not found '{end}'")


def commands(log: str) -> Iterator[tuple[str, str]]:
    """Yield the commands on a step's output: name and text.

    Raises:
        BadFile: one that GitHub has no more.
    """
    for found in _COMMAND.finditer(log):
        if found["name"] in _ENDED:
            raise BadFile(f"The `{found['name']}` command is disabled")
        yield found["name"], found["text"].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
