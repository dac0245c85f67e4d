"""Truncating the report to the limit of a comment or a job summary on GitHub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitops.diff.report import Lines, Report
from gitops.diff.section import Section
from gitops.markdown import listed

# Below it not even the notes fit.
MINIMUM_LIMIT = 4_000
# The state for the next comment takes at most one in so many characters.
_SHARE = 8
# Largest length of the note: two lists of ten folders.
_NOTE = 1_600
# A folder in the note is shortened to this.
_NAME = 60

Measure = Callable[[str], int]


def truncate(report: Report, limit: int, measure: Measure, whole: str) -> str:
    """Return the report as Markdown that is not longer than ``limit``.

    Diffs are left out first, then whole sections, from the last; a note below the first lines names their folders.

    Args:
        report: the report.
        limit: the greatest length, ``MINIMUM_LIMIT`` or more.
        measure: how the length is counted.
        whole: where the whole is to be had, for the note.
    """
    end = (
        f"<!-- state {report.state} -->\n"
        if report.state and measure(report.state) <= limit // _SHARE
        else ""
    )
    limit -= measure(end)
    first, *others = report.title.split("\n")
    head = [_shortened(Lines(first, tuple(others), "and {} more lines"), limit // 3, measure)]
    left = _Left(limit, measure)
    left.take(head[0])
    entire = [
        report.title,
        *(_text(lines) for lines in report.head),
        *(part for entry in report.sections for part in _parts(entry)),
    ]
    if measure("\n\n".join(entire)) + 1 <= limit:
        return "\n\n".join(entire) + "\n" + end
    left.length -= _NOTE
    for lines in report.head:
        # The head is not all: half of what is left stays for what follows.
        head.append(_shortened(lines, left.length // 2, measure))
        left.take(head[-1])
    summaries = [left.take(entry.summary) for entry in report.sections]
    diffs = [taken and left.take(entry.diff) for entry, taken in zip(report.sections, summaries, strict=True)]
    body = [
        part
        for entry, summary, diff in zip(report.sections, summaries, diffs, strict=True)
        for part, taken in ((entry.summary, summary), (entry.diff, diff))
        if part and taken
    ]
    note = _note(report, summaries, diffs, whole)
    return "\n\n".join([head[0], note, *head[1:], *body]) + "\n" + end


@dataclass
class _Left:
    """How much may still be written."""

    length: int
    measure: Measure

    def take(self, text: str) -> bool:
        """Take a paragraph's length if enough is left; return whether it was."""
        needed = self.measure(text) + 2
        if needed > self.length:
            return False
        self.length -= needed
        return True


def _parts(section: Section) -> list[str]:
    return [part for part in (section.summary, section.diff) if part]


def _text(lines: Lines) -> str:
    return "\n".join(line for line in (lines.opening, *lines.lines) if line)


def _shortened(lines: Lines, limit: int, measure: Measure) -> str:
    """Return as many of the lines as fit, and how many more there are."""
    kept = len(lines.lines)
    text = _text(lines)
    while kept and measure(text) > limit:
        kept -= 1
        rest = lines.rest.format(len(lines.lines) - kept)
        text = "\n".join([lines.opening, *lines.lines[:kept], rest])
    return text


def _note(report: Report, summaries: list[bool], diffs: list[bool], whole: str) -> str:
    dropped = [entry for entry, taken in zip(report.sections, summaries, strict=True) if not taken]
    cut = [
        entry
        for entry, summary, diff in zip(report.sections, summaries, diffs, strict=True)
        if summary and not diff and entry.diff
    ]
    message = [
        f"{what} of {listed(folder[:_NAME] for entry in entries for folder in entry.folders)}"
        for what, entries in (("the differences", cut), ("all else", dropped))
        if entries
    ]
    return f"> [!NOTE]\n> Too long for here, so left out: {'; '.join(message) or 'some lines of what follows'}. {whole}"
