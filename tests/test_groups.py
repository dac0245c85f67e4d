"""Tests that share a fixture of their module, in a run of several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = """
import pytest
@pytest.fixture(scope="module")
def made(): print("made")
@pytest.mark.parametrize("number", range(20))
def test_shared(made, number): pass
@pytest.mark.parametrize("number", range(20))
def test_alone(number): pass
"""


def test_a_fixture_of_a_module_is_made_once(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(SHARED)
    (tmp_path / "pytest.ini").touch()
    options = ("-p", "tests.groups", "-v", "--numprocesses", "2", "--dist", "loadgroup")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:schemathesis", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = [line for line in done.stdout.splitlines() if "PASSED" in line]
    shared = [line for line in passed if "test_shared" in line]
    assert len({line.split("]")[0] for line in shared}) == 1
    assert all("@test_some.py" in line for line in shared)
    assert not any("@" in line for line in passed if "test_alone" in line)
    assert len(passed) == 40
