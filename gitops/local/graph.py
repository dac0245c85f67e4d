"""The calls that Seldon's orchestrator makes for a graph, in its order.

A node transforms the input on the way down to its children, and the output on the way up, so an
OUTPUT_TRANSFORMER is the parent of the model whose answer it transforms.
Source: the orchestrator of Seldon Core 1.17.1 (executor/predictor/predictor_process.go).
"""

from __future__ import annotations

from dataclasses import dataclass

from gitops.errors import NotRunnable
from gitops.manifests.seldondeployment import Node

_DOWN = {"MODEL": "/predict", "TRANSFORMER": "/transform-input"}
_UP = {"OUTPUT_TRANSFORMER": "/transform-output"}


@dataclass(frozen=True)
class Call:
    """A request to the container of the graph node ``node``."""

    node: str
    path: str


def calls(graph: Node) -> tuple[Call, ...]:
    """Return the calls that answer one request; each gets what the one before answered.

    Raises:
        NotRunnable: the graph branches, or a node is of a type that sends requests different ways.
    """
    if graph.type not in _DOWN | _UP:
        raise NotRunnable(
            f"{graph.path} (node {graph.name}) is of type {graph.type or 'none'}: the local run walks graphs of "
            f"{', '.join(_DOWN | _UP)}"
        )
    for field in ("implementation", "methods"):
        if graph.raw.get(field):
            raise NotRunnable(
                f"{graph.path}.{field} (node {graph.name}) is set: the local run goes by the node's type only"
            )
    if len(graph.children) > 1:
        raise NotRunnable(
            f"{graph.path} (node {graph.name}) has {len(graph.children)} children: the local run walks chains, "
            "with at most one"
        )
    down = (Call(graph.name, _DOWN[graph.type]),) if graph.type in _DOWN else ()
    up = (Call(graph.name, _UP[graph.type]),) if graph.type in _UP else ()
    return (*down, *(call for child in graph.children for call in calls(child)), *up)
