"""The command: from a revision to the report of what the work tree renders otherwise."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TextIO

from gitops.diff.comparison import compare
from gitops.diff.fit import COMMENT, LEAST, SUMMARY, characters, fit, octets
from gitops.diff.report import report
from gitops.diff.revision import find
from gitops.diff.sealed import redacted
from gitops.diff.side import Side, pairs
from gitops.errors import BadArgument, BuildFailed
from gitops.tools import tool

_log = logging.getLogger(__name__)


def diff(root: Path, base: str, out: TextIO, *, output: Path | None = None, limit: int = COMMENT) -> int:
    """Write what the work tree ``root`` renders otherwise than the revision ``base``, as Markdown.

    ``out`` gets it in at most ``limit`` characters, for a comment; the file ``output`` gets it whole, up to the
    size of a job summary. Both stay empty where nothing that is rendered changes.

    Returns:
        0, or BuildFailed's exit code where something that changed does not build in the work tree.

    Raises:
        BadArgument: ``base`` is no revision, ``limit`` is too small, or ``output`` cannot be written.
        NoBase: there is no git repository, or its clone is too shallow.
        ToolNotBuilt: kustomize cannot be had.
    """
    if limit < LEAST:
        raise BadArgument(f"limit {limit}: must be {LEAST} characters or more, or not even the notes fit")
    tool("kustomize")
    revision = find(root, base)
    with tempfile.TemporaryDirectory(prefix="diff-") as scratch:
        sides = Side(revision.title, revision.write(Path(scratch))), Side("the work tree", root)
        changes = [compare(pair, *sides) for pair in pairs(*sides)]
    found = report(changes, revision.title)
    if found is None:
        _log.info("nothing that is rendered changes against %s", revision.title)
    if output is not None:
        _write(output, redacted(fit(found, SUMMARY, octets, _HERE)) if found else "")
    out.write(redacted(fit(found, limit, characters, _THERE)) if found else "")
    return BuildFailed.exit_code if any(change.state == "does not build" for change in changes) else 0


# Where a reader of either form finds what was left out.
_HERE = "Building these folders with kustomize on both sides shows it."
_THERE = "It is in the summary of the job, and `make diff BASE=… OUTPUT=FILE` writes it to a file."


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadArgument(
            f"output {output}: cannot be written ({error.strerror}); name a file that can"
        ) from error
