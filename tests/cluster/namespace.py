"""A namespace of the tests' own, which enforces Pod Security."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.cluster.kubectl import apply, kubectl, wait

SECONDS = 240.0
_LABEL = "pod-security.kubernetes.io"


@dataclass(frozen=True)
class Namespace:
    name: str

    def kubectl(self, *arguments: str, stdin: str | bytes | None = None, seconds: float = SECONDS) -> str:
        return kubectl("--namespace", self.name, *arguments, stdin=stdin, seconds=seconds)

    def apply(self, objects: Sequence[dict[str, Any]]) -> None:
        apply(*({**entry, "metadata": {**entry["metadata"], "namespace": self.name}} for entry in objects))

    def replace(self, entry: dict[str, Any]) -> None:
        self.kubectl("replace", "--filename", "-", stdin=json.dumps(entry))

    def delete(self, objects: Sequence[dict[str, Any]]) -> None:
        for entry in objects:
            self.kubectl("delete", "--ignore-not-found", entry["kind"], entry["metadata"]["name"])
        self.until("the pods are gone", lambda: not self.pods())

    def get(self, *arguments: str) -> dict[str, Any]:
        return dict(json.loads(self.kubectl("get", *arguments, "--output", "json")))

    def pods(self, selector: str = "seldon-app") -> list[dict[str, Any]]:
        """The pods of all deployments but those of the tests, which run on."""
        return list(self.get("pods", "--selector", selector)["items"])

    def rolled_out(self, objects: Sequence[dict[str, Any]]) -> None:
        for entry in objects:
            if entry["kind"] == "Deployment":
                name = f"deployment/{entry['metadata']['name']}"
                self.kubectl("rollout", "status", name, f"--timeout={SECONDS:.0f}s", seconds=SECONDS + 30)

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        wait(what, holds, SECONDS)

    def reasons(self) -> str:
        """What `kubectl describe` shows of why containers ended, or wait to start."""
        found = []
        for pod in self.pods():
            status = pod["status"]
            for container in status.get("initContainerStatuses", []) + status.get("containerStatuses", []):
                for state in (container.get("state", {}), container.get("lastState", {})):
                    found += [state.get(kind, {}).get("message", "") for kind in ("terminated", "waiting")]
        return "\n".join(found)


@contextmanager
def namespace(name: str, *, enforce: str = "restricted") -> Iterator[Namespace]:
    """Make a namespace that enforces a level of Pod Security, and remove it after the block."""
    try:
        create(name, enforce)
        yield Namespace(name)
    finally:
        remove(name)


def create(name: str, enforce: str) -> None:
    labels = {f"{_LABEL}/enforce": enforce, f"{_LABEL}/audit": "restricted", f"{_LABEL}/warn": "restricted"}
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})


def remove(name: str) -> None:
    kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=true", seconds=300)
