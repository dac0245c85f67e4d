"""The one comment of a pull request with its rendered diff: created once, then edited in place."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from gitops.command import Run, print_lines
from gitops.errors import BadArgument
from gitops.github.actions import run_url
from gitops.github.api import Api
from gitops.markdown import COMMENT_LIMIT, utf16_units, with_changes_since

# Not shown by GitHub; the comment is found again by it.
MARK = "<!-- seldon-mlflow-gitops review -->\n"
NOTHING = "Nothing that is rendered changes.\n"
_FAILED = "> [!CAUTION]\n> What this pull request changes is not known: comparing failed, and [the run]({run}) says why.\n"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("number", metavar="NUMBER", help="the pull request's number")
    parser.add_argument("body", type=Path, metavar="FILE", help="Markdown; empty for nothing to comment")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return print_lines([comment(arguments.number, arguments.body, os.environ)])

    return run


def comment(number: str, file: Path, environ: Mapping[str, str]) -> str:
    """Write ``file`` as the comment of the pull request ``number``; return what was done.

    Only a comment by the same account is edited. An empty file creates no comment; an existing one then says that nothing
    changes. Where the step that writes the file failed (DIFF=failure) and wrote nothing, the comment links to the run:
    a failed diff must not read as an empty one.

    Raises:
        BadArgument: the number is not one, the file cannot be read or is too long, or a variable is missing.
        GithubFailed: GitHub refuses or does not answer.
    """
    if not (number.isascii() and number.isdigit()):
        raise BadArgument(f"PULL_REQUEST {number!r}: must be a pull request's number")
    message = read_body(file)
    if not message and environ.get("DIFF") == "failure":
        message = _FAILED.format(run=run_url(environ))
    if utf16_units(MARK + message) > COMMENT_LIMIT:
        raise BadArgument(
            f"{file}: has {utf16_units(message)} characters: a comment has up to {COMMENT_LIMIT - len(MARK)}; make it by LIMIT=64000"
        )
    with Api(environ) as api:
        # Anybody can write a comment that begins with the mark: only one of this token's own is edited.
        author = api.login()
        old = [
            entry
            for entry in api.all(f"/issues/{number}/comments")
            if str(entry["body"]).startswith(MARK.strip()) and (entry["user"] or {}).get("login") == author
        ]
        if old:
            whole = with_changes_since(str(old[0]["body"]), message) if message else NOTHING
            # Better without it than not at all.
            body = MARK + (whole if utf16_units(MARK + whole) <= COMMENT_LIMIT else message)
            api.send("PATCH", f"/issues/comments/{old[0]['id']}", body=body)
            return f"pull request {number}: its comment is up to date"
        if not message:
            return f"pull request {number}: nothing to comment on"
        api.send("POST", f"/issues/{number}/comments", body=MARK + message)
        return f"pull request {number}: commented"


def read_body(file: Path) -> str:
    """Return the text of a file.

    Raises:
        BadArgument: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadArgument(f"BODY {str(file)!r}: cannot be read ({error}); name a file of Markdown") from error
