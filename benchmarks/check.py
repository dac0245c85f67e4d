"""How long `make check` takes: `make bench-check`, or python -m benchmarks.check NUMBER.

Once over this repository, warm; then over a repository of many overlays, made in a temporary folder. It ends with
status 1 when one of them takes longer than its budget.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.budget import judge
from benchmarks.diff import BUDGET_SECONDS, OVERLAYS, ROOT, generate
from gitops.check import check
from server.operating_system import cpus

HERE_SECONDS = 3


def main(number: int) -> int:
    """Print a line for each repository; return the exit status."""
    print(f"{cpus()} cores")
    check(ROOT, io.StringIO())
    fine = [judge("this repository", measure(ROOT), HERE_SECONDS)]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        generate(root, number)
        fine.append(judge(f"{number} overlays", measure(root), BUDGET_SECONDS))
    return 0 if all(fine) else 1


def measure(root: Path) -> float:
    """Return the seconds that a check of ``root`` takes; it must find nothing wrong."""
    out = io.StringIO()
    began = time.monotonic()
    if check(root, out) != 0:
        raise SystemExit(out.getvalue())
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else OVERLAYS))
