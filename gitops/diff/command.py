"""``python -m gitops diff``: the report of what the work tree renders differently from a revision."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from gitops.command import Run, add_json, write_json
from gitops.diff.applications import Applied, applied, switched
from gitops.diff.comparison import compare
from gitops.diff.context import ReportContext, changed_code, git_context, kustomize_version
from gitops.diff.findings import check_findings as judged
from gitops.diff.items import check_items, items
from gitops.diff.locations import Locations
from gitops.diff.pairs import Pair, changed_pairs
from gitops.diff.report import report
from gitops.diff.sarif import sarif as to_sarif
from gitops.diff.truncation import MINIMUM_LIMIT, truncate
from gitops.errors import BadArgument
from gitops.git import resolve_revision
from gitops.manifests.checkout import Checkout
from gitops.manifests.rendered import OVERLAYS
from gitops.markdown import COMMENT_LIMIT, SUMMARY_LIMIT, utf8_bytes, utf16_units
from gitops.progress import step
from gitops.redaction import redacted
from gitops.switch import add_switch
from gitops.tools import tool

_log = logging.getLogger(__name__)


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("--base", required=True, metavar="REV", help="the revision to compare with")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the whole report here, for a job summary"
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=COMMENT_LIMIT,
        metavar="N",
        help=f"characters at most (a comment: {COMMENT_LIMIT})",
    )
    add_switch(parser, "CHECK", "report the findings of the check, too")
    parser.add_argument(
        "--sarif",
        type=Path,
        metavar="FILE",
        help="write these findings here, for code scanning (with --check)",
    )
    add_json(parser)

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return diff(
            root,
            arguments.base,
            sys.stdout,
            output=arguments.output,
            limit=arguments.limit,
            check=arguments.check,
            sarif=arguments.sarif,
            as_json=arguments.json,
            environ=os.environ,
            # A runner reads workflow commands from here too; standard output is the comment.
            annotations=sys.stderr if os.environ.get("GITHUB_ACTIONS") else None,
        )

    return run


def diff(
    root: Path,
    base: str,
    out: TextIO,
    *,
    output: Path | None = None,
    limit: int = COMMENT_LIMIT,
    check: bool = False,
    sarif: Path | None = None,
    as_json: bool = False,
    environ: Mapping[str, str] | None = None,
    annotations: TextIO | None = None,
) -> int:
    """Write what the work tree ``root`` renders otherwise than the revision ``base``, as Markdown.

    Args:
        root: the work tree.
        base: the revision.
        out: gets it in at most ``limit`` characters, for a comment; nothing where nothing that is rendered changes.
        output: gets it whole, up to the size of a job summary.
        limit: the most that ``out`` gets.
        check: whether the findings of the check are part of it.
        sarif: gets these findings as SARIF.
        as_json: whether ``out`` gets one JSON document instead.
        environ: the variables of a workflow's step, for links to its repository and its run.
        annotations: gets a workflow command for each finding of the check that is new.

    Returns:
        1 where something that changed does not build in the work tree, else 0, whatever the check finds.

    Raises:
        BadArgument: ``base`` is no revision, ``limit`` is too small, ``sarif`` is given without ``check``, or a file
            cannot be written.
        NoBase: there is no git repository, or its clone is too shallow.
        ToolNotBuilt: kustomize cannot be had.
    """
    if limit < MINIMUM_LIMIT:
        raise BadArgument(
            f"limit {limit}: must be {MINIMUM_LIMIT} characters or more, or not even the notes fit"
        )
    if sarif is not None and not check:
        raise BadArgument(
            "SARIF without CHECK=1: the findings of the check are what is written there; give both"
        )
    tool("kustomize")
    revision = resolve_revision(root, base)
    with (
        tempfile.TemporaryDirectory(prefix="diff-") as scratch,
        step(f"render both sides of {revision.title}"),
    ):
        sides = Checkout(revision.title, revision.write(Path(scratch))), Checkout("the work tree", root)
        commits = git_context(root, revision.commit, environ or {})
        applications = applied(sides[0]), applied(sides[1])
        compared = switched(changed_pairs(*sides), sides, applications)
        places = Locations(*sides)
        changes = [compare(pair, *sides, _applied(pair, applications)) for pair in compared]
        report_context = ReportContext(
            f"{commits.branch} ({revision.commit[:7]})" if commits.branch else revision.title,
            places,
            commits,
            applications,
            changed_code(*sides),
            (kustomize_version(sides[0].root), kustomize_version(sides[1].root)),
            judged(*sides, places) if check else None,
        )
        found = report(changes, report_context)
    if found is None:
        _log.info("nothing that is rendered changes against %s", revision.title)
    if output is not None:
        _write("output", output, redacted(truncate(found, SUMMARY_LIMIT, utf8_bytes, _HERE)) if found else "")
    if sarif is not None and report_context.findings:
        _write("sarif", sarif, redacted(to_sarif(report_context.findings)))
    broken = any(change.state == "does not build" for change in changes)
    if as_json:
        found_items = check_items(report_context.findings) if report_context.findings else ()
        write_json("diff", [*items(changes), *found_items], out, ok=not broken)
    else:
        out.write(redacted(truncate(found, limit, utf16_units, _there(commits.run))) if found else "")
    if annotations is not None and report_context.findings:
        annotations.writelines(f"{redacted(line)}\n" for line in report_context.findings.annotations())
    return int(broken)


def _applied(pair: Pair, sides: tuple[Applied, Applied]) -> bool | None:
    """Return whether an Application applies a folder before or after, None if that is unknown; base/ is in all that use it."""
    folders = [side.folders for side in sides]
    if not pair.folder.startswith(f"{OVERLAYS}/") or any(entry is None for entry in folders):
        return None
    return any({pair.folder, pair.was} & (entry or frozenset()) for entry in folders)


# Where a reader of either form finds what was left out.
_HERE = "Building these folders with kustomize on both sides shows it."


def _there(run: str) -> str:
    where = f"[the summary of the job]({run})" if run else "the summary of the job"
    return f"It is in {where}, and `make diff BASE=… OUTPUT=FILE` writes it to a file."


def _write(name: str, file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadArgument(
            f"{name} {file}: cannot be written ({error.strerror}); name a file that can"
        ) from error
