"""The stock wrapper, seldon-core-microservice, in its own environment, made on first use.

What it pins (protobuf < 4, numpy < 2) cannot be beside the server's packages: it has a project and a lock of its own,
tests/conformance. It is what the server is compared with, and what can serve the component class.
"""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import uv

from gitops.errors import WrapperNotInstalled

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "tests" / "conformance"
ENVIRONMENT = ROOT / ".cache" / "seldon-core"
# The wrapper on one address instead of all of them, run in ROOT with the arguments of seldon-core-microservice.
PROGRAM = ("-m", "gitops.local.seldon_core_microservice")


@cache
def python() -> Path:
    """Return the interpreter of the wrapper's environment, installed as its lock says.

    Raises:
        WrapperNotInstalled: uv cannot install it; the message holds its own words.
    """
    done = subprocess.run(
        [uv.find_uv_bin(), "sync", "--quiet", "--locked", "--compile-bytecode", "--project", PROJECT],
        env={
            **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
            "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT),
            "UV_PYTHON_DOWNLOADS": "never",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise WrapperNotInstalled(
            f"seldon-core, which needs Python 3.11 or 3.12, cannot be installed from {PROJECT}:\n{done.stderr.strip()}"
        )
    return ENVIRONMENT / "bin" / "python"
