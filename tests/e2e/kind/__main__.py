"""`make e2e-cluster`: a kind cluster for `make e2e`, with the images IMAGE and NEXT_IMAGE of this machine in it.

`make e2e-logs`, with `logs FOLDER` as arguments, writes what its nodes and pods logged to a folder.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.errors import E2eError
from tests.e2e.kind.commands import KIND, NAME, commands, environment
from tests.e2e.versions import Command

_REMOVE = shlex.join((KIND, "delete", "cluster", "--name", NAME))


def main() -> int:
    """Return the exit status: 0, or 1 where a command fails."""
    if sys.argv[1:2] == ["logs"]:
        return _logs(sys.argv[2:])
    images = [image for name in ("IMAGE", "NEXT_IMAGE") if (image := os.environ.get(name))]
    try:
        for image in images:
            _check(image)
        for command in commands(images):
            _run(command, environment(os.environ))
    except E2eError as error:
        print(f"e2e-cluster: {error}", file=sys.stderr)
        return 1
    print(f"the current context is kind-{NAME}; to remove the cluster: {_REMOVE}")
    return 0


def _logs(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0]:
        print(
            "e2e-logs: OUTPUT must be a folder to write to, as in `make e2e-logs OUTPUT=logs`",
            file=sys.stderr,
        )
        return 2
    if not Path(KIND).is_file():
        print("e2e-logs: `make e2e-cluster` has made no cluster here", file=sys.stderr)
        return 1
    return subprocess.run([KIND, "export", "logs", *arguments, "--name", NAME], check=False).returncode


def _check(image: str) -> None:
    """Refuse, before it takes minutes to find out, an image that is not there."""
    if "@" in image:
        raise E2eError(f"image {image}: kind loads an image by its tag only: name it so")
    done = _ended(("docker", "image", "inspect", image), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise E2eError(
            f"image {image}: {done.stderr.decode(errors='replace').strip()}; `make image IMAGE={image}` builds it"
        )


def _run(command: Command, environ: Mapping[str, str]) -> None:
    print(f"$ {shlex.join(command)}", flush=True)
    done = _ended(command, env=environ)
    if done.returncode != 0:
        raise E2eError(f"{shlex.join(command)} ended with {done.returncode}; to begin again: {_REMOVE}")


def _ended(command: Command, **options: Any) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, check=False, **options)
    except FileNotFoundError as error:
        raise E2eError(f"there is no {command[0]} on PATH: install it") from error


if __name__ == "__main__":
    sys.exit(main())
