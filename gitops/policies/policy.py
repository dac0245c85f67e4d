"""Policies, their violations, and findings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from gitops.command import Item

Level = Literal["error", "warning"]
Subject = TypeVar("Subject")

# The path in an object that a violation's value begins with, and the name of the entry there.
_AT = re.compile(r"(?:spec|metadata)[.\[]\S* (?:\([^)]*\) )?")
_MOST_PLACES = 5


@dataclass(frozen=True)
class Violation:
    """A violation of a policy: the ``value`` in the object ``owner``, and the ``fix``.

    ``folder`` is where it stands in the tree; a policy over one folder leaves it empty.
    """

    owner: str
    value: str
    fix: str
    folder: str = ""


Judge = Callable[[Subject], Iterator[Violation]]


@dataclass(frozen=True)
class Policy(Generic[Subject]):
    """A policy: ``reason`` says in one line what it demands and why, ``judge`` yields what breaks it."""

    id: str
    reason: str
    level: Level
    judge: Judge[Subject]


@dataclass(frozen=True)
class Finding:
    """A violation of a policy in a folder of the tree. Its string is what a person reads, four lines or more.

    ``more`` are the findings of the same cause in other places. ``before`` names the revision that has it too, empty
    where it is new or that was not asked: what was there before fails no change.
    """

    folder: str
    id: str
    reason: str
    level: Level
    violation: Violation
    more: tuple[Finding, ...] = ()
    before: str = ""

    def __str__(self) -> str:
        message = self.violation.value.replace("\n", "\n  ")
        fix = self.violation.fix.replace("\n", "\n  ")
        also = [f"  also {entry.place}\n" for entry in self.more[:_MOST_PLACES]]
        if len(self.more) > _MOST_PLACES:
            also.append(f"  and in {len(self.more) - _MOST_PLACES} other places\n")
        return (
            f"{self.level}[{self.id}] {self.folder}{f' (as in {self.before})' if self.before else ''}\n"
            f"  {self.violation.owner}: {message}\n"
            f"{''.join(also)}"
            f"  policy: {self.reason}\n"
            f"  fix: {fix}"
        )

    @property
    def message(self) -> str:
        """What is wrong and the fix, for where its place is shown beside it."""
        return f"{self.violation.owner}: {self.violation.value}\nfix: {self.violation.fix}"

    @property
    def item(self) -> Item:
        """The same for a program. One that the base has too fails nothing, and so is a warning."""
        more = {
            "owner": self.violation.owner,
            "also": [entry.place for entry in self.more],
            "before": self.before,
        }
        level = self.level if self.fails else "warning"
        return Item(level, self.id, self.folder, self.violation.value, self.violation.fix, more)

    @property
    def folders(self) -> set[str]:
        """All folders that it is about."""
        return {self.folder, *(entry.folder for entry in self.more)}

    @property
    def place(self) -> str:
        """Where it is: folder, object, and the path in it."""
        path = _AT.match(self.violation.value)
        return f"{self.folder}: {self.violation.owner}{f': {path[0].strip()}' if path else ''}"

    @property
    def fails(self) -> bool:
        """Whether the check fails by it."""
        return self.level == "error" and not self.before

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What is the same where another tree has it too."""
        return self.folder, self.id, self.violation.owner, self.violation.value

    @property
    def cause(self) -> tuple[str, str, str, str]:
        """The key that findings of one cause share: the message without its location."""
        return self.id, _AT.sub("", self.violation.value), self.violation.fix, self.before


def grouped(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with those of one cause as one, at its first place."""
    causes: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in findings:
        causes.setdefault(finding.cause, []).append(finding)
    return [replace(first, more=tuple(more)) for first, *more in causes.values()]


def policy(judge: Judge[Subject]) -> Policy[Subject]:
    """Make a policy of a function: its name is the id, its docstring the reason. A violation is an error."""
    return _policy(judge, "error")


def warning(judge: Judge[Subject]) -> Policy[Subject]:
    """Make a policy of a function whose breaches are reported and do not fail the check."""
    return _policy(judge, "warning")


def _policy(judge: Judge[Subject], level: Level) -> Policy[Subject]:
    return Policy(judge.__name__.replace("_", "-"), (inspect.getdoc(judge) or "").rstrip("."), level, judge)
