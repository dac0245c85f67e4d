"""The context of a report: the commits, the workflow's run, the code and kustomize that rendered it, and what the check finds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gitops.diff.applications import ApplicationChange, Applied, application_changes
from gitops.diff.findings import Findings
from gitops.diff.locations import Location, Locations
from gitops.errors import NoBase
from gitops.git import git
from gitops.manifests.checkout import Checkout
from gitops.markdown import code, listed


@dataclass(frozen=True)
class ReportContext:
    """The context of a report.

    ``base`` is the base as messages name it, ``places`` are the changed lines, ``applied`` the Applications of both sides.
    ``code`` are the files of the comparing code that the change itself touches; ``kustomize`` the versions that both
    sides pin; ``findings`` those of the check, None without CHECK=1.
    """

    base: str
    places: Locations
    context: GitContext | None = None
    applied: tuple[Applied, Applied] = (Applied(None), Applied(None))
    code: tuple[str, ...] = ()
    kustomize: tuple[str, str] = ("", "")
    findings: Findings | None = None

    def link(self, folder: str, field: str, value: str = "", kind: str = "") -> str:
        """Return, as Markdown to end a line with, where in the files a value of ``folder`` stands; empty if unknown."""
        place = self.places.find(folder, field, value, kind)
        if place is None:
            return ""
        return f" — {self.context.link(place) if self.context else code(str(place))}"

    def lines(self) -> Iterator[str]:
        """Yield what was compared, when and by what, and what the check says, as Markdown of one line each."""
        if self.context is not None:
            yield self._compared(self.context)
            yield f"**Check:** {self.findings.summary if self.findings else 'not asked for here; `make check` judges'}"

    def _compared(self, context: GitContext) -> str:
        dirty = " and what is not committed" if context.dirty and not context.run else ""
        run = f", [run]({context.run})" if context.run else ""
        old, new = self.kustomize
        versions = f", kustomize {new}" if old == new else f", kustomize {old} → {new}"
        return (
            f"**Compared:** {context.commit(context.base)} → {context.commit(context.head)}{dirty}, "
            f"{context.time:%Y-%m-%d %H:%M} UTC{run}{versions if new else ''}"
        )

    def warnings(self) -> Iterator[str]:
        """Yield what a reviewer must know before trusting what follows."""
        if self.code:
            yield (
                "> [!WARNING]\n"
                f"> This was rendered by the code of the change itself, which touches {listed(self.code, 5)}: "
                "read that first, for it could leave anything out here."
            )
        old, new = self.kustomize
        if old != new:
            yield (
                f"> [!WARNING]\n> kustomize {old or 'of no version'} → {new or 'of no version'}: both sides are rendered by "
                "the new one here, so what it renders otherwise than the old one is not shown."
            )
        for side, entry in zip(("before", "after"), self.applied, strict=True):
            if entry.unknown:
                yield f"> [!WARNING]\n> Which Applications there are {side} cannot be told: {entry.unknown}"

    def applications(self) -> list[ApplicationChange]:
        """Return the Applications that change."""
        return list(application_changes(*self.applied))


_COMMIT = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True)
class GitContext:
    """The commits that are compared, ``base`` and ``head``, the time, and the addresses on GitHub.

    ``dirty``: the work tree has uncommitted changes. ``repository`` and ``run`` are addresses, ``branch`` is the base
    branch of the pull request; all three are empty outside of one.
    """

    root: Path
    base: str
    head: str
    dirty: bool
    time: datetime
    repository: str = ""
    run: str = ""
    branch: str = ""

    def link(self, place: Location) -> str:
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

    def _line(self, place: Location) -> int:
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


def git_context(root: Path, base: str, environ: Mapping[str, str]) -> GitContext:
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
    return GitContext(root, base, head, dirty, datetime.now(UTC), repository, run, branch)


def _pull_request(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the pull request of the workflow's event."""
    try:
        event = json.loads(Path(environ.get("GITHUB_EVENT_PATH") or "").read_text(encoding="utf-8"))
        return dict(event["pull_request"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


# What the job that writes the comment runs; server/ is what the contract and the lock are read by, and any workflow may
# write the comment too.
CODE = ("gitops", "server", "tools", ".github/workflows")
# Right in the tree make, uv and Python look for these: a module there comes before a package of the same name.
_TOP_LEVEL = (
    "*akefile",
    "*.py",
    "*.so",
    "*/__init__.py",
    "pyproject.toml",
    "uv.lock",
    "uv.toml",
    ".python-version",
)
_OTHERS = {"tests", "benchmarks", "docs", "examples"}
_KUSTOMIZE = re.compile(
    r"^\s*(?:require\s+)?sigs\.k8s\.io/kustomize/kustomize/v5 v(?P<version>\S+)", re.MULTILINE
)


def changed_code(base: Checkout, head: Checkout) -> tuple[str, ...]:
    """Return the files of the code that compares which differ between both sides, relative to the tree."""
    files = _files(base.root) | _files(head.root)
    return tuple(sorted(file for file in files if _content(base.root / file) != _content(head.root / file)))


def kustomize_version(root: Path) -> str:
    """Return the version of kustomize that tools/go.mod of a tree pins, empty where it pins none."""
    content = _content(root / "tools/go.mod") or b""
    match = _KUSTOMIZE.search(content.decode("utf-8", "replace"))
    return match["version"] if match else ""


def _files(root: Path) -> set[str]:
    inner = (file for name in CODE for file in (root / name).rglob("*"))
    top = (
        file
        for pattern in _TOP_LEVEL
        for file in root.glob(pattern)
        if file.relative_to(root).parts[0] not in _OTHERS
    )
    return {
        file.relative_to(root).as_posix()
        for file in (*inner, *top)
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc"
    }


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None
