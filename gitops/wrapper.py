"""The stock wrapper, seldon-core-microservice, in its own environment, made on first use.

What it pins (protobuf < 4, numpy < 2) cannot be beside the server's packages: it has a project and a lock of its own,
tools/seldon-core. It is what the server is compared with, and what can serve the component class.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gitops.errors import WrapperNotInstalled
from gitops.locked import sync

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "tools" / "seldon-core"
ENVIRONMENT = ROOT / ".cache" / "seldon-core"
# The wrapper on one address instead of all of them, run in ROOT with the arguments of seldon-core-microservice.
PROGRAM = ("-m", "gitops.local.seldon_core_microservice")


@cache
def python() -> Path:
    """Return the interpreter of the wrapper's environment, installed as its lock says.

    Raises:
        WrapperNotInstalled: uv cannot install it; the message holds its own words.
    """
    done = sync(PROJECT, ENVIRONMENT)
    if done.returncode != 0:
        raise WrapperNotInstalled(
            f"seldon-core, which needs Python 3.11 or 3.12, cannot be installed from {PROJECT}:\n{done.stderr.strip()}"
        )
    return ENVIRONMENT / "bin" / "python"
