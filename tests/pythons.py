"""The Pythons that models of the tests run on, found wherever uv finds one; ``make pythons`` brings those that are missing.

A test whose Python is missing is skipped on a developer's machine, and fails in GitHub Actions: there the workflow
brings them, and a test that is silently left out would look like one that passes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NoReturn, TextIO

import pytest
import uv

from server.environment.interpreters import search_path

PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
# Read when the tests are collected: while they run, what a workflow sets is left out (conftest.py).
IN_ACTIONS = os.environ.get("GITHUB_ACTIONS") == "true"


@cache
def environ() -> dict[str, str]:
    """Return the environment in which uv sees every interpreter, those of version managers too."""
    return {**os.environ, "PATH": search_path(os.environ), "UV_PYTHON_DOWNLOADS": "never"}


def find(version: str) -> Path | None:
    """Return the interpreter of a minor version such as 3.12, or None where this machine has none."""
    done = _uv("python", "find", "--no-project", "--system", version, environ=environ())
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def needs(version: str) -> Path:
    """Return the interpreter of a minor version for a test that needs it."""
    found = find(version)
    if found is None:
        missing(f"Python {version}")
    return found


def missing(what: str) -> NoReturn:
    """Skip the test that needs ``what``, or let it fail in GitHub Actions."""
    if IN_ACTIONS:
        pytest.fail(
            f"needs {what}, and this machine has none: run `make pythons` before the tests", pytrace=False
        )
    pytest.skip(f"needs {what}, and this machine has none (`make pythons` brings the Pythons of the tests)")


def bring(versions: Iterable[str], out: TextIO) -> int:
    """Install the managed builds of those ``versions`` that are missing; return 1 if one cannot be had, else 0."""
    absent = []
    for version in versions:
        found, said = find(version), ""
        if found is None:
            # By name and asked for: the Makefile forbids uv to download one that nobody asked for.
            allowed = {**os.environ, "UV_PYTHON_DOWNLOADS": "manual"}
            said = " ".join(_uv("python", "install", "--no-bin", version, environ=allowed).stderr.split())
            found = find(version)
        if found is None:
            absent.append(version)
        print(f"Python {version}: {found or f'cannot be had: {said}'}", file=out, flush=True)
    if absent:
        print(
            f"error: no Python {', '.join(absent)}: tests that need it are skipped, and fail in GitHub Actions; install "
            "it by other means (pyenv, the system's packages), or let this machine reach the downloads of uv",
            file=out,
        )
    return 1 if absent else 0


def _uv(*arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [uv.find_uv_bin(), "--no-progress", "--color", "never", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(bring(PYTHONS, sys.stderr))
