"""Environments beside the repository's own: a project with a lock of its own, installed by uv into a folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import uv


def sync(project: Path, environment: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Install what the lock of ``project`` says into ``environment``; warm it takes a fraction of a second.

    ``options`` are uv's beside those that it gets in any case.
    Return how uv ended: with 0, or saying on standard error why it cannot.
    """
    return subprocess.run(
        [
            uv.find_uv_bin(),
            "sync",
            "--quiet",
            "--locked",
            "--compile-bytecode",
            "--project",
            project,
            *options,
        ],
        env={
            **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
            "UV_PROJECT_ENVIRONMENT": str(environment),
            "UV_PYTHON_DOWNLOADS": "never",
        },
        capture_output=True,
        text=True,
        check=False,
    )
