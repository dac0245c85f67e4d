"""What a job of GitHub Actions says of itself: a title, what passed, and what failed in its own words.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

# A step may write 1 MiB, and a summary is read by a person.
LONGEST = 50_000


def write(title: str, lines: Sequence[str], failure: str = "") -> None:
    """Add a section to the summary of the job that runs; nothing where none does."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    text = f"### {title}\n\n"
    if failure:
        # Longer than any fence in it.
        text += f"``````\n{failure[:LONGEST]}\n``````\n\n"
    text += "".join(f"- {line}\n" for line in lines)
    with Path(file).open("a", encoding="utf-8") as summary:
        summary.write(text[: 2 * LONGEST] + "\n")
