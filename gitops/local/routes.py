"""Where the gateway sends the requests of a deployment: to a container, or through the calls of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitops.errors import NotRunnable
from gitops.manifests.seldondeployment import Node


@dataclass(frozen=True)
class Container:
    """A deployment whose one container answers everything on the HTTP port ``port``."""

    port: int


@dataclass(frozen=True)
class Graph:
    """A deployment whose requests are answered by ``calls``; ``ports`` are the HTTP ports of its nodes."""

    calls: tuple[Call, ...]
    ports: Mapping[str, int]


@dataclass(frozen=True)
class Unavailable:
    """A deployment that cannot answer now, and why."""

    reason: str


Route = Container | Graph | Unavailable
# By the path of the deployment: /seldon/<namespace>/<deployment>.
Routes = Mapping[str, Route]

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
