"""The cluster of KUBECONFIG, by kubectl."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import yaml

FIELD_MANAGER = "tests"


def kubectl(
    *arguments: str, stdin: str | bytes | None = None, check: bool = True, seconds: float = 120
) -> str:
    content = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        ["kubectl", *arguments], input=content, capture_output=True, check=False, timeout=seconds
    )
    said = done.stderr.decode(errors="replace")
    assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {said}"
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
        AssertionError: it is not within ``seconds``.
    """
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(1)
    return value
