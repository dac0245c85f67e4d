"""The result of a promotion from an alias, and the table of all results as Markdown."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gitops.markdown import block, code, folded, table

Result = Literal["promoted", "unchanged", "failed"]
# Length limit of a reason, which may quote output of a model's code.
REASON_LENGTH = 2_000


@dataclass(frozen=True)
class PromotionResult:
    """Of an overlay: what is pinned (``before``), what the alias means (``after``), and why it failed."""

    overlay: str
    result: Result
    alias: str
    before: str
    after: str = ""
    reason: str = ""


def markdown(outcomes: Iterable[PromotionResult]) -> str:
    """Return the table of all overlays, and below it why one failed."""
    outcomes = list(outcomes)
    if not outcomes:
        return "No overlay was promoted from an alias.\n"
    rows = [
        [code(entry.overlay), entry.result, code(entry.alias), code(entry.before), code(entry.after)]
        for entry in outcomes
    ]
    parts = [table(("overlay", "result", "alias", "from", "to"), rows)]
    parts += [
        folded(f"{entry.overlay} failed", block(entry.reason[:REASON_LENGTH]))
        for entry in outcomes
        if entry.result == "failed"
    ]
    return "\n\n".join(parts) + "\n"


def write_job_summary(outcomes: Iterable[PromotionResult], environ: Mapping[str, str]) -> None:
    """Add the table to the summary of a workflow's job, where there is one."""
    if file := environ.get("GITHUB_STEP_SUMMARY"):
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(f"{markdown(outcomes)}{os.linesep}")
