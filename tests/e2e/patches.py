"""What a run changes in what an overlay renders: JSON6902 operations, each guarded by a test where it goes by position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from gitops.local.overlay import LocalOverlay


def of(kind: str, operations: Iterable[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """Yield the patch of ``operations`` on the object ``name``, or nothing where there are none."""
    listed = list(operations)
    if listed:
        yield {"target": {"kind": kind, "name": name}, "patch": yaml.safe_dump(listed)}


def replicas(overlay: LocalOverlay, number: int) -> Iterator[dict[str, Any]]:
    """Yield what gives the predictor that ``number`` of replicas, if not 0, and takes away what would count more."""
    for i, pod in enumerate(overlay.predictor.raw["componentSpecs"] if number else ()):
        for key in ("hpaSpec", "kedaSpec", "replicas"):
            if key in pod:
                yield {"op": "remove", "path": f"/spec/predictors/0/componentSpecs/{i}/{key}"}
    if number:
        yield {"op": "add", "path": "/spec/predictors/0/replicas", "value": number}


def index(overlay: LocalOverlay, url: str) -> Iterator[dict[str, Any]]:
    """Yield what gives the containers that install packages another index."""
    for i, pod in enumerate(overlay.predictor.pods if url else ()):
        for j, container in enumerate(pod.init_containers):
            if container.args[:1] == ("environment",):
                path = f"/spec/predictors/0/componentSpecs/{i}/spec/initContainers/{j}"
                yield {"op": "test", "path": f"{path}/name", "value": container.name}
                value = {"name": "UV_DEFAULT_INDEX", "value": url}
                yield {"op": "add", "path": f"{path}/env/-", "value": value}


def route(entry: Mapping[str, Any], namespace: str) -> Iterator[dict[str, Any]]:
    """Yield what leads a route's addresses (/seldon/NAMESPACE/…) to this namespace, away from those that are in use."""
    for i, rule in enumerate(entry["spec"].get("rules", ())):
        for j, match in enumerate(rule.get("matches", ())):
            value = match.get("path", {}).get("value", "")
            parts = value.split("/")
            if parts[:2] == ["", "seldon"] and len(parts) > 3:
                path = f"/spec/rules/{i}/matches/{j}/path/value"
                yield {"op": "test", "path": path, "value": value}
                yield {
                    "op": "replace",
                    "path": path,
                    "value": "/".join(["", "seldon", namespace, *parts[3:]]),
                }
