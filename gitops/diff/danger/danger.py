"""A danger: a change that means an outage, lost data or new access; and the pods of an object, whatever its kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.diff.objects import Change
from gitops.manifests.seldondeployment import KIND
from gitops.manifests.unstructured import nested, nested_list
from gitops.markdown import code

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Danger:
    """A danger as one line of Markdown: the value before → after, and its consequence.

    ``field``, ``value`` and the object's ``kind`` find the changed line that causes it (gitops.diff.locations).
    """

    text: str
    field: str
    value: str = ""
    kind: str = ""


# Finds dangers in the change of one object; its docstring names them in one line.
Rule = Callable[[Change], Iterator[Danger]]


def shown(value: Any) -> str:
    """Return a value as code, "none" for None."""
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return code(", ".join(f"{key}: {entry}" for key, entry in value.items()) or "{}")
    return code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def transition(before: Any, after: Any) -> str:
    """Return a value before and after as code."""
    return f"{shown(before)} → {shown(after)}"


def both(change: Change, *kinds: str) -> bool:
    """Whether the change is of an object of one of ``kinds`` that there is before and after."""
    return change.before is not None and change.after is not None and change.kind in kinds


def pods(entry: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the PodSpecs of an object, each by its place: predictor and number, empty where there is only one."""
    kind = nested(entry, "kind")
    if kind == KIND:
        for predictor in nested_list(entry, "spec", "predictors"):
            for index, pod in enumerate(nested_list(predictor, "componentSpecs")):
                if isinstance(nested(pod, "spec"), Mapping):
                    yield f"{nested(predictor, 'name')}/{index}", pod["spec"]
        return
    for path in (
        ("spec",),
        ("spec", "template", "spec"),
        ("spec", "jobTemplate", "spec", "template", "spec"),
    ):
        spec = nested(entry, *path)
        if isinstance(spec, Mapping) and "containers" in spec:
            yield "", spec


def containers(entry: object) -> dict[str, Mapping[str, Any]]:
    """Return all containers of an object by their names."""
    return {
        str(nested(container, "name")): container
        for _, pod in pods(entry)
        for key in ("initContainers", "containers")
        for container in nested_list(pod, key)
        if isinstance(container, Mapping)
    }
