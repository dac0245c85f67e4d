"""Programs that stand on PATH where a test needs them to say something of their own."""

from __future__ import annotations

from pathlib import Path


def program(path: Path, content: str) -> None:
    """Write a shell script that can be run."""
    path.write_text(f"#!/bin/sh\n{content}\n")
    path.chmod(0o755)
