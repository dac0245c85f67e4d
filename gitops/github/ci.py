"""What ci.yml runs for an event, and whether all of it passed: `python3 -m gitops.github.ci jobs` and `… result`.

Runs on the standard library alone, so that the first and the last job of a run need no environment.
"""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gitops.github import actions

# What each job is about, as patterns of paths in which * takes any characters.
PATHS: dict[str, tuple[str, ...]] = {
    "image": (
        *("server/*", "Dockerfile", ".dockerignore", "pyproject.toml", "uv.lock", "tools/bootstrap.txt"),
        *(
            "tools/seldon-core/*",
            "tests/image/*",
            ".github/workflows/image.yml",
            ".github/workflows/release.yml",
        ),
    ),
    "e2e": (
        *(
            "server/*",
            # On what it runs, whatever a fork deploys.
            "tests/manifests/*",
            "tests/cluster/*",
            "tests/e2e/*",
        ),
        *("Dockerfile", ".dockerignore", "pyproject.toml", "uv.lock", "tools/bootstrap.txt"),
        ".github/workflows/e2e.yml",
    ),
}
JOBS = ("test", "review", *PATHS, "machines")


def jobs(
    name: str, event: Mapping[str, Any], changed: Iterable[str], *, machines: bool = False
) -> dict[str, bool]:
    """Return whether each of JOBS runs for the event ``name`` with the payload ``event``.

    ``changed`` are the paths that the change touches, ``machines`` is whether this repository wants the job of that name.
    """
    # https://docs.github.com/en/webhooks/webhook-events-and-payloads?actionType=edited#pull_request
    if event.get("action") == "edited" and "base" not in event.get("changes", {}):
        return dict.fromkeys(JOBS, False)
    merging = name in ("pull_request", "merge_group")
    paths = list(changed)
    return {
        "test": True,
        "review": merging,
        **{
            job: merging and any(fnmatch.fnmatchcase(path, entry) for path in paths for entry in patterns)
            for job, patterns in PATHS.items()
        },
        "machines": machines,
    }


def failures(needs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each job of the context ``needs`` that neither succeeded nor was skipped as ``changes`` said."""
    wanted = needs["changes"]["outputs"]
    for job, state in needs.items():
        right = "success" if job == "changes" or wanted.get(job) == "true" else "skipped"
        if state["result"] != right:
            yield f"{job}: {state['result']}, must be {right}"


def _changed(base: str) -> list[str]:
    """Return the paths that the checked out commit changes against ``base``."""
    command = ("git", "diff", "--name-only", "--no-renames", "-z", base, "HEAD")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [path for path in done.stdout.split("\0") if path]


def main() -> int:
    """Return the exit status: 1 where a job failed or was skipped without a reason, 2 for a wrong argument."""
    match sys.argv[1:]:
        case ["jobs"]:
            name = os.environ["GITHUB_EVENT_NAME"]
            event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
            changed = _changed(os.environ["BASE"]) if name in ("pull_request", "merge_group") else []
            machines = os.environ.get("CI_MACHINES") == "true"
            found = {
                job: str(runs).lower() for job, runs in jobs(name, event, changed, machines=machines).items()
            }
            sys.stdout.writelines(f"{job}={runs}\n" for job, runs in found.items())
            actions.write_outputs(os.environ, **found)
            return 0
        case ["result"]:
            wrong = list(failures(json.loads(os.environ["NEEDS"])))
            sys.stdout.write(("\n".join(wrong) or "every job succeeded or had nothing to do") + "\n")
            return 1 if wrong else 0
    sys.stderr.write("usage: python3 -m gitops.github.ci jobs | result\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
