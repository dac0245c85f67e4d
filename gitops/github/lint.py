"""``python -m gitops lint-workflows``: actionlint for what GitHub would refuse, zizmor for security."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from gitops.command import Run
from gitops.tools import tool

FOLDER = ".github"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare no argument."""
    return lambda arguments, root: lint(root)


def lint(root: Path) -> int:
    """Lint the workflows of ``root``; both programs report on standard output.

    Returns:
        1 if one of them finds something, else 0.

    Raises:
        ToolNotBuilt: actionlint cannot be had.
    """
    commands: tuple[list[str | Path], ...] = (
        # Without the linters that a machine may have or not.
        [
            tool("actionlint"),
            "-shellcheck=",
            "-pyflakes=",
            # Newer than actionlint 1.7.12:
            # https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
            '-ignore=unexpected key "queue" for "concurrency" section',
            *sorted((root / FOLDER / "workflows").glob("*.yml")),
        ],
        # Without the network: the same on every machine.
        [
            Path(sys.executable).with_name("zizmor"),
            "--offline",
            "--quiet",
            "--persona=pedantic",
            root / FOLDER,
        ],
    )
    codes = [subprocess.run(command, cwd=root, check=False).returncode for command in commands]
    return int(any(codes))
