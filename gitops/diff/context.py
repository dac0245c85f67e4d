"""What a comparison is about: the commits of both sides, the run of the workflow, and links into the repository."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gitops.diff.markdown import code
from gitops.diff.places import Place
from gitops.errors import NoBase
from gitops.git import git

_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class Context:
    """Of a comparison: the commit of the ``base`` and the ``head`` commit, the time, and the addresses on GitHub.

    ``dirty`` says that the work tree has changes that are not committed. ``repository`` and ``run`` are addresses, ``branch`` is the base of the pull
    request; all three are empty outside of one.
    """

    root: Path
    base: str
    head: str
    dirty: bool
    time: datetime
    repository: str = ""
    run: str = ""
    branch: str = ""

    def link(self, place: Place) -> str:
        """Return a place as Markdown: a link to the line, outside of a workflow its name."""
        if not self.repository:
            return code(str(place))
        commit, line = (self.base, place.line) if place.gone else (self.head, self._line(place))
        at = f"#L{line}" if line else ""
        address = f"{self.repository}/blob/{commit}/{quote(place.file)}{at}"
        return f"[{code(f'{place.file}:{line}' if line else place.file)}]({address})"

    def commit(self, commit: str) -> str:
        """Return a commit as Markdown: a link to it where there is one."""
        short = code(commit[:7])
        return f"[{short}]({self.repository}/commit/{commit})" if self.repository else short

    def _line(self, place: Place) -> int:
        """Return where the line stands in the head commit: the work tree of a workflow is its merge with the base."""
        lines = _lines(self.root, self.head, place.file)
        if not lines or (place.line <= len(lines) and lines[place.line - 1] == place.text):
            return place.line
        alike = [number for number, text in enumerate(lines, 1) if text == place.text]
        return min(alike, key=lambda number: abs(number - place.line), default=0)


@cache
def _lines(root: Path, commit: str, file: str) -> tuple[str, ...]:
    try:
        return tuple(git(root, "show", f"{commit}:./{file}", fail=NoBase).splitlines())
    except NoBase:
        return ()


def context(root: Path, base: str, environ: Mapping[str, str]) -> Context:
    """Return what the comparison of the work tree ``root`` with the commit ``base`` is about."""
    head = git(root, "rev-parse", "HEAD", fail=NoBase).strip()
    dirty = bool(git(root, "status", "--porcelain", "--", ".", fail=NoBase).strip())
    repository = run = branch = ""
    if environ.get("GITHUB_REPOSITORY") and environ.get("GITHUB_RUN_ID"):
        server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
        repository = f"{server}/{environ['GITHUB_REPOSITORY']}"
        run = f"{repository}/actions/runs/{environ['GITHUB_RUN_ID']}"
        request = _pull_request(environ)
        asked = request.get("head", {}).get("sha")
        head = asked if isinstance(asked, str) and _COMMIT.fullmatch(asked) else head
        branch = str(request.get("base", {}).get("ref") or "")
    return Context(root, base, head, dirty, datetime.now(UTC), repository, run, branch)


def _pull_request(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what the event of the workflow says of its pull request."""
    try:
        event = json.loads(Path(environ.get("GITHUB_EVENT_PATH") or "").read_text(encoding="utf-8"))
        return dict(event["pull_request"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
