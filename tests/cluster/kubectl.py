"""The cluster of KUBECONFIG, by kubectl."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import yaml

FIELD_MANAGER = "tests"


class ClusterError(Exception):
    """The cluster refuses, does not answer, or does not become what is waited for."""


def kubectl(
    *arguments: str, stdin: str | bytes | None = None, check: bool = True, seconds: float = 120
) -> str:
    """Return what kubectl prints.

    Raises:
        ClusterError: there is no kubectl, it ends otherwise than with 0 (where ``check``), or not within ``seconds``.
    """
    content = stdin.encode() if isinstance(stdin, str) else stdin
    shown = f"kubectl {' '.join(argument for argument in arguments if len(argument) < 200)}"
    try:
        done = subprocess.run(
            ["kubectl", *arguments], input=content, capture_output=True, check=False, timeout=seconds
        )
    except FileNotFoundError as error:
        raise ClusterError("there is no kubectl on PATH: install it") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"{shown}: no answer within {seconds:g} s") from error
    if check and done.returncode != 0:
        raise ClusterError(f"{shown}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()


def get(kind: str, name: str, namespace: str) -> dict[str, Any]:
    """Return an object, or an empty one where there is none."""
    text = kubectl("--namespace", namespace, "get", kind, name, "--ignore-not-found", "--output", "json")
    return dict(json.loads(text)) if text else {}


def names(kind: str, namespace: str) -> set[str]:
    listed = json.loads(kubectl("--namespace", namespace, "get", kind, "--output", "json"))["items"]
    return {entry["metadata"]["name"] for entry in listed}


def apply(*objects: dict[str, Any]) -> None:
    kubectl(
        *("apply", "--server-side", "--force-conflicts", "--field-manager", FIELD_MANAGER, "--filename", "-"),
        stdin=yaml.safe_dump_all(objects),
    )


def wait(what: str, found: Callable[[], Any], seconds: float = 120) -> Any:
    """Return what ``found`` returns when it is true.

    Raises:
        ClusterError: it is not within ``seconds``.
    """
    end = time.monotonic() + seconds
    while not (value := found()):
        if time.monotonic() > end:
            raise ClusterError(f"not within {seconds:g} s: {what}")
        time.sleep(1)
    return value
