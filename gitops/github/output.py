"""The outputs of a workflow's step, which later steps and jobs read.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write(environ: Mapping[str, str], **values: str) -> None:
    """Add ``values`` of one line each to the step's outputs; outside of a workflow there are none."""
    file = environ.get("GITHUB_OUTPUT")
    if file:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.writelines(f"{name}={value}\n" for name, value in values.items())
