"""GitHub Actions: the outputs of a workflow's step, and the address of its run.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_outputs(environ: Mapping[str, str], **values: str) -> None:
    """Add ``values`` of one line each to the step's outputs; outside of a workflow nothing is written."""
    file = environ.get("GITHUB_OUTPUT")
    if file:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.writelines(f"{name}={value}\n" for name, value in values.items())


def run_url(environ: Mapping[str, str]) -> str:
    """Return the address of the workflow's run."""
    server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
    return f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}"
