"""A command: it declares its arguments to a parser, and returns the function that runs it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

# Takes the parsed arguments and the repository's root, and returns the exit code.
Run = Callable[[argparse.Namespace, Path], int]


def print_lines(lines: Iterable[str]) -> int:
    """Print each line as soon as there is one, and return the exit code 0."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return 0
