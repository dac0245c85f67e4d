"""`make e2e-cluster`: a kind cluster for `make e2e`, with the images IMAGE and NEXT_IMAGE of this machine in it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

from tests.e2e.errors import E2eError
from tests.e2e.kind.commands import commands, environment
from tests.e2e.versions import Command


def main() -> int:
    """Return the exit status: 0, or 1 where a command fails."""
    images = [image for name in ("IMAGE", "NEXT_IMAGE") if (image := os.environ.get(name))]
    try:
        for command in commands(images):
            _run(command, environment(os.environ))
    except E2eError as error:
        print(f"e2e-cluster: {error}", file=sys.stderr)
        return 1
    return 0


def _run(command: Command, environ: Mapping[str, str]) -> None:
    print(f"$ {shlex.join(command)}", flush=True)
    try:
        done = subprocess.run(command, env=environ, check=False)
    except FileNotFoundError as error:
        raise E2eError(f"there is no {command[0]} on PATH: install it") from error
    if done.returncode != 0:
        raise E2eError(f"{shlex.join(command)} ended with {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())
