"""All that a person does on a machine, one after the other, and how long each takes: ``make test-machine``."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from tests import step_summary

ROOT = Path(__file__).parents[1]
PROMOTION = "tests/gitops/promote/test_new_overlay.py::test_it_is_right_with_its_model"
STEPS: Mapping[str, Sequence[str]] = {
    "make doctor": ("make", "doctor"),
    "make check": ("make", "check"),
    "make smoke": ("make", "smoke"),
    "the promotion of an own model": (sys.executable, "-m", "pytest", "--quiet", PROMOTION),
    "make test": ("make", "test"),
}


def run(steps: Mapping[str, Sequence[str]], out: TextIO) -> int:
    """Run every step, whatever became of those before, say how each ended, and return 1 if one failed, else 0."""
    ended = []
    status = 0
    for name, command in steps.items():
        began = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        seconds = time.monotonic() - began
        ended.append(f"{name}: {f'failed with {code}' if code else 'ok'} after {seconds:.0f} s")
        status = 1 if code else status
    step_summary.write(f"{platform.platform()}, Python {platform.python_version()}", ended)
    out.writelines(f"{line}\n" for line in ended)
    return status


if __name__ == "__main__":
    sys.exit(run(STEPS, sys.stdout))
