"""What shows that a machine will do: every step runs, and the summary of a job has how each ended."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import machine


def test_a_step_that_fails_keeps_no_other_from_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    out = io.StringIO()
    steps = {
        name: (sys.executable, "-c", f"import sys; sys.exit({status})")
        for name, status in {"one": 3, "two": 0}.items()
    }
    assert machine.run(steps, out) == 1
    assert re.fullmatch(r"one: failed with 3 after \d+ s\ntwo: ok after \d+ s\n", out.getvalue())
    assert summary.read_text().endswith("".join(f"- {line}\n" for line in out.getvalue().splitlines()) + "\n")
    assert machine.run({"two": steps["two"]}, out) == 0


def test_the_promotion_is_a_test() -> None:
    command = [sys.executable, "-m", "pytest", "--quiet", "--collect-only", machine.PROMOTION]
    done = subprocess.run(command, cwd=machine.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
