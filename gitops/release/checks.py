"""Waiting for a commit's check run on GitHub: a release trusts the tests of its own tree and runs none again.

https://docs.github.com/en/rest/checks/runs and https://docs.github.com/en/rest/actions/workflow-runs
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gitops.command import Run, print_lines
from gitops.errors import BadArgument, GithubFailed, NotChecked
from gitops.github.api import Api

# Seconds between two polls: the first and, doubled each time, the longest.
_FIRST, _LONGEST = 5.0, 30.0
# GitHub answers an error now and then; more of them in a row are no accident.
_ERRORS = 4
# Who makes the check runs of workflows; any other app may name one alike.
_APP = "github-actions"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("--minutes", type=float, default=60, help="how long at most (60)")
    parser.add_argument("commit", metavar="COMMIT")
    parser.add_argument("check", metavar="CHECK", help="name of the check run")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        return print_lines(wait_for_check(arguments.commit, arguments.check, arguments.minutes, os.environ))

    return run


def wait_for_check(
    commit: str,
    check: str,
    minutes: float,
    environ: Mapping[str, str],
    *,
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """Wait until the check run ``check`` of ``commit`` has succeeded; yield what it waits for and what was found.

    One of a pull request counts where its head has the same tree: it was merged as it was tested. On the commit
    itself one of a pull request does not, for GitHub runs it on the merge with the branch that it goes to.

    Raises:
        BadArgument: commit or minutes are none, or a variable is missing.
        NotChecked: it failed, was cancelled or skipped, or did not end within ``minutes``.
        GithubFailed: GitHub refuses or does not answer.
    """
    if not (len(commit) in (40, 64) and set(commit) <= set("0123456789abcdef")):
        raise BadArgument(f"COMMIT {commit!r}: must be a whole commit id, 40 digits of 0–9 and a–f")
    with Api(environ) as api:
        try:
            twin = _run_of_same_tree(api, commit, check)
        except GithubFailed as error:
            # It only saves time.
            twin = None
            yield f"not compared with the pull request of {commit}: {error}"
        if twin is not None:
            yield f"{check} of {twin['head_sha']}, which has the same tree, succeeded: {twin['html_url']}"
            return
        end, delay, errors, message = clock() + minutes * 60, _FIRST, 0, ""
        while True:
            try:
                found, errors = _deciding_run(api, commit, check), 0
            except GithubFailed:
                errors += 1
                if errors == _ERRORS:
                    raise
                found = None
            if found and found["conclusion"] == "success":
                yield f"{check} of {commit} succeeded: {found['html_url']}"
                return
            if found and found["status"] == "completed":
                raise NotChecked(
                    f"{check} of {commit} ended with {found['conclusion']}: {found['html_url']}; nothing is released"
                )
            if clock() >= end:
                what = (
                    f"is {found['status']}: {found['html_url']}"
                    if found
                    else f"never ran; run {check} for its branch by hand"
                )
                raise NotChecked(f"{check} of {commit} did not end within {minutes:g} minutes: it {what}")
            now = f"waiting for {check} of {commit}" + (f": {found['html_url']}" if found else "")
            if now != message:
                yield now
                message = now
            pause(delay)
            delay = min(delay * 2, _LONGEST)


def _deciding_run(api: Api, commit: str, check: str) -> dict[str, Any] | None:
    """Return the run that decides: one that succeeded, or is under way, or else the last one; None without any."""
    runs = [run for run in _runs(api, commit, check) if _event(api, run) != "pull_request"]
    succeeded = [run for run in runs if run["conclusion"] == "success"]
    under_way = [run for run in runs if run["status"] != "completed"]
    return max(succeeded or under_way or runs, key=lambda run: int(run["id"]), default=None)


def _runs(api: Api, commit: str, check: str) -> list[dict[str, Any]]:
    """Return the latest check runs of this name; a run of a suite's again replaces the one before."""
    answer = api.get(f"/commits/{commit}/check-runs", check_name=check, filter="latest", per_page="100")
    return [run for run in answer["check_runs"] if (run.get("app") or {}).get("slug") == _APP]


def _event(api: Api, run: Mapping[str, Any]) -> str:
    """Return what started the workflow of a check run, as in push or merge_group."""
    answer = api.get("/actions/runs", check_suite_id=str(run["check_suite"]["id"]))
    return str(next((entry["event"] for entry in answer["workflow_runs"]), ""))


def _run_of_same_tree(api: Api, commit: str, check: str) -> dict[str, Any] | None:
    """Return a run that succeeded for the head of a merged pull request with the tree of ``commit``."""
    heads = [
        str(pull["head"]["sha"]) for pull in api.get(f"/commits/{commit}/pulls") if pull.get("merged_at")
    ]
    tree = _tree(api, commit) if heads else ""
    for head in heads:
        if head != commit and _tree(api, head) == tree:
            for run in _runs(api, head, check):
                if run["conclusion"] == "success":
                    return {**run, "head_sha": head}
    return None


def _tree(api: Api, commit: str) -> str:
    return str(api.get(f"/git/commits/{commit}")["tree"]["sha"])
