"""The one issue that lists the scheduled workflows that fail: opened, kept up to date, and closed when none does."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from gitops.command import Run, print_lines
from gitops.errors import BadArgument
from gitops.github.actions import run_url
from gitops.github.api import Api

# Not shown by GitHub; the issue is found again by it.
MARK = "<!-- seldon-mlflow-gitops scheduled workflows -->"
TITLE = "A scheduled workflow fails"
_HEAD = f"{MARK}\nKept up to date by the workflows named here; closed by them once none of them fails.\n"
# A line for each workflow that fails.
_LINE = re.compile(r"^- \*\*(?P<workflow>[^*\n]+)\*\*: .*$", re.MULTILINE)


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare no argument."""
    return lambda arguments, root: print_lines([report_failures(os.environ)])


def report_failures(environ: Mapping[str, str]) -> str:
    """Write into the issue how the jobs of the context ``NEEDS`` ended for the workflow of ``environ``; return what was done.

    Raises:
        BadArgument: a variable is missing, or NEEDS is not what `toJSON(needs)` gives.
        GithubFailed: GitHub refuses or does not answer.
    """
    workflow, failed = environ.get("GITHUB_WORKFLOW") or "", _failed(environ.get("NEEDS") or "")
    if not workflow:
        raise BadArgument("GITHUB_WORKFLOW: must be set, as GitHub Actions does")
    with Api(environ) as api:
        # Of what others wrote nothing is changed, even if it begins with the mark.
        author = api.login()
        issue = next(
            (
                entry
                for entry in api.all("/issues")
                if str(entry["body"] or "").startswith(MARK)
                and (entry["user"] or {}).get("login") == author
                and "pull_request" not in entry
            ),
            None,
        )
        lines = {match["workflow"]: match[0] for match in _LINE.finditer(issue["body"])} if issue else {}
        before = lines.pop(workflow, None)
        if failed:
            lines[workflow] = f"- **{workflow}**: {', '.join(failed)} ([run]({run_url(environ)}))"
        body = _HEAD + "\n" + "\n".join(lines[name] for name in sorted(lines)) + "\n"
        if issue is None:
            if not failed:
                return f"{workflow}: nothing fails"
            made = api.send("POST", "/issues", title=TITLE, body=body)
            return f"{workflow}: issue {made['number']} is open"
        path = f"/issues/{issue['number']}"
        if not lines:
            api.send("POST", f"{path}/comments", body=f"{workflow} passes again.")
            api.send("PATCH", path, body=body, state="closed")
            return f"{workflow}: issue {issue['number']} is closed"
        api.send("PATCH", path, body=body)
        # An edit sends no notification; a new failure should.
        if failed and (before is None or f": {', '.join(failed)} (" not in before):
            api.send("POST", f"{path}/comments", body=lines[workflow])
        return f"{workflow}: issue {issue['number']} is up to date"


def _failed(needs: str) -> list[str]:
    try:
        jobs: dict[str, Any] = json.loads(needs)
        return sorted(name for name, job in jobs.items() if job["result"] not in ("success", "skipped"))
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise BadArgument(
            f"NEEDS {needs[:80]!r}: must be `toJSON(needs)` of the workflow ({error})"
        ) from error
