"""What a policy is, and what it finds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Level = Literal["error", "warning"]
Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Breach:
    """What breaks a policy: ``value``, said of the object ``owner``, and the ``fix``.

    ``folder`` is where it stands in the tree; a policy over one folder leaves it empty.
    """

    owner: str
    value: str
    fix: str
    folder: str = ""


Judge = Callable[[Subject], Iterator[Breach]]


@dataclass(frozen=True)
class Policy(Generic[Subject]):
    """A policy: ``reason`` says in one line what it demands and why, ``judge`` yields what breaks it."""

    id: str
    reason: str
    level: Level
    judge: Judge[Subject]


@dataclass(frozen=True)
class Finding:
    """A breach of a policy in a folder of the tree. Its string is what a person reads, four lines or more."""

    folder: str
    id: str
    reason: str
    level: Level
    breach: Breach

    def __str__(self) -> str:
        said = self.breach.value.replace("\n", "\n  ")
        return (
            f"{self.level}[{self.id}] {self.folder}\n"
            f"  {self.breach.owner}: {said}\n"
            f"  policy: {self.reason}\n"
            f"  fix: {self.breach.fix}"
        )


def policy(judge: Judge[Subject]) -> Policy[Subject]:
    """Make a policy of a function: its name is the id, its docstring the reason. A breach is an error."""
    return _policy(judge, "error")


def warning(judge: Judge[Subject]) -> Policy[Subject]:
    """Make a policy of a function whose breaches are reported and do not fail the check."""
    return _policy(judge, "warning")


def _policy(judge: Judge[Subject], level: Level) -> Policy[Subject]:
    return Policy(judge.__name__.replace("_", "-"), (inspect.getdoc(judge) or "").rstrip("."), level, judge)
