"""The pods that an object makes, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops.diff.danger.danger import at, entries
from gitops.manifests.seldondeployment import KIND


def pods(entry: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the PodSpecs of an object, each by its place: predictor and number, empty where there is only one."""
    kind = at(entry, "kind")
    if kind == KIND:
        for predictor in entries(entry, "spec", "predictors"):
            for index, pod in enumerate(entries(predictor, "componentSpecs")):
                if isinstance(at(pod, "spec"), Mapping):
                    yield f"{at(predictor, 'name')}/{index}", pod["spec"]
        return
    for path in (
        ("spec",),
        ("spec", "template", "spec"),
        ("spec", "jobTemplate", "spec", "template", "spec"),
    ):
        spec = at(entry, *path)
        if isinstance(spec, Mapping) and "containers" in spec:
            yield "", spec


def containers(entry: object) -> dict[str, Mapping[str, Any]]:
    """Return all containers of an object by their names."""
    return {
        str(at(container, "name")): container
        for _, pod in pods(entry)
        for key in ("initContainers", "containers")
        for container in entries(pod, key)
        if isinstance(container, Mapping)
    }
