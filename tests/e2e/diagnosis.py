"""What a person looks at when a run fails, taken before the namespace goes."""

from __future__ import annotations

from typing import TextIO

from tests.cluster import helper
from tests.cluster.kubectl import ClusterError
from tests.cluster.namespace import Namespace
from tests.e2e import store
from tests.e2e.deployment import KIND

_STATUSES = "{range .items[*]}{.metadata.name}: {.status}{'\\n'}{end}"
_COMMANDS = (
    ("get", KIND, f"--output=jsonpath={_STATUSES}"),
    ("get", "deployments,services,jobs", "--output=wide"),
    ("describe", "pods", "--selector", "app.kubernetes.io/name notin (helper, store)"),
    ("get", "events", "--sort-by=.lastTimestamp"),
)
_LOG_LINES = 40


def print_diagnosis(namespace: Namespace, out: TextIO) -> None:
    """Print events, descriptions, and the ends of all logs. What cannot be had is said and left out."""
    for command in _COMMANDS:
        _print(namespace, out, *command)
    try:
        pods = namespace.get("pods")["items"]
    except ClusterError as error:
        out.write(f"{error}\n")
        return
    for pod in pods:
        name = pod["metadata"]["name"]
        # What the helper and the store tell is long and seldom matters.
        lines = _LOG_LINES // 4 if name in (helper.NAME, store.NAME) else _LOG_LINES
        _print(namespace, out, "logs", name, "--all-containers", "--prefix", f"--tail={lines}")


def _print(namespace: Namespace, out: TextIO, *command: str) -> None:
    out.write(f"\n$ kubectl -n {namespace.name} {' '.join(command)}\n")
    try:
        out.write(namespace.kubectl(*command))
    except ClusterError as error:
        out.write(f"{error}\n")
    out.flush()
