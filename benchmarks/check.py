"""How long `make check` takes: `make bench-check`, or python benchmarks/check.py NUMBER.

Once over this repository, warm; then over a repository of many overlays, made in a temporary folder.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from diff import generate  # noqa: E402

from gitops.check.command import check  # noqa: E402


def main(number: int) -> None:
    """Print a line for each repository."""
    check(ROOT, io.StringIO())
    print(f"this repository   {measure(ROOT):6.1f} s")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        generate(root, number)
        print(f"{number:4} overlays     {measure(root):6.1f} s, {os.cpu_count()} cores")


def measure(root: Path) -> float:
    """Return the seconds that a check of ``root`` takes; it must find nothing wrong."""
    out = io.StringIO()
    began = time.monotonic()
    if check(root, out) != 0:
        raise SystemExit(out.getvalue())
    return time.monotonic() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
