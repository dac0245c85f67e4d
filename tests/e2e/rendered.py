"""What an overlay renders for the namespace of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gitops.local.overlay import LocalOverlay
from gitops.manifests.graphnode import fetch_arguments
from server.pins.expectation import Expectation


@dataclass(frozen=True)
class Rendered:
    """An overlay as it is applied: the typed view, all objects, and its expected.json, None where that names no request."""

    overlay: LocalOverlay
    objects: list[dict[str, Any]]
    expected: Expectation | None

    @property
    def name(self) -> str:
        return self.overlay.deployment.name

    @property
    def service(self) -> str:
        """The name of the Service that answers outside."""
        return f"{self.name}-{self.overlay.predictor.name}"

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The smoke test: Argo CD applies it after the others, when they are healthy."""
        return [entry for entry in self.objects if entry["kind"] == "Job"]

    @property
    def applied_first(self) -> list[dict[str, Any]]:
        return [entry for entry in self.objects if entry["kind"] != "Job"]

    @property
    def models(self) -> list[tuple[str, str]]:
        """URI and digest of the models that its pods fetch."""
        containers = [entry for pod in self.overlay.predictor.pods for entry in pod.init_containers]
        return [pinned for pinned in map(fetch_arguments, containers) if pinned[0]]
