"""The cluster that kubectl's context leads to."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from gitops.errors import ClusterFailed

TIMEOUT_SECONDS = 120


def kubectl(*arguments: str, codes: tuple[int, ...] = (0,)) -> tuple[int, str]:
    """Return with which of ``codes`` kubectl ends, and what it prints.

    Raises:
        ClusterFailed: there is no kubectl, it ends otherwise, or the cluster does not answer.
    """
    command = f"kubectl {' '.join(arguments)}"
    try:
        done = subprocess.run(
            ["kubectl", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise ClusterFailed(
            "kubectl: no such command; install it (https://kubernetes.io/docs/tasks/tools/)"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ClusterFailed(f"{command}: no answer after {TIMEOUT_SECONDS} s") from error
    if done.returncode not in codes:
        message = " ".join((done.stderr or done.stdout).split())
        raise ClusterFailed(f"{command}: {message or f'exit status {done.returncode}'}")
    return done.returncode, done.stdout


def get(*arguments: str) -> Any:
    """Return what `kubectl get ARGUMENTS` finds, None where it finds nothing.

    Raises:
        ClusterFailed: as of ``kubectl``.
    """
    _, text = kubectl("get", *arguments, "--ignore-not-found", "--output", "json")
    return json.loads(text) if text.strip() else None
