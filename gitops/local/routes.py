"""Where the gateway sends the requests of a deployment: to a container, or through the calls of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitops.errors import NotRunnable
from gitops.manifests.graph import flow
from gitops.manifests.seldondeployment import SELDON, Node


@dataclass(frozen=True)
class Container:
    """A deployment whose one container answers everything on the HTTP port ``port``."""

    port: int


@dataclass(frozen=True)
class Graph:
    """A deployment whose requests are answered by ``calls``; ``ports`` are the HTTP ports of its nodes.

    Its clients speak ``protocol``, and no other.
    """

    calls: tuple[Call, ...]
    ports: Mapping[str, int]
    protocol: str = SELDON


@dataclass(frozen=True)
class Unavailable:
    """A deployment that cannot answer now, and why."""

    reason: str


Route = Container | Graph | Unavailable
# By the path of the deployment: /seldon/<namespace>/<deployment>.
Routes = Mapping[str, Route]

_METHODS = {"MODEL": "/predict", "TRANSFORMER": "/transform-input", "OUTPUT_TRANSFORMER": "/transform-output"}


@dataclass(frozen=True)
class Call:
    """A request to the container of the graph node ``node``."""

    node: str
    path: str


def calls(graph: Node) -> tuple[Call, ...]:
    """Return the calls that answer one request, in the order of Seldon's orchestrator; each gets the answer of the one before.

    Source: the orchestrator of Seldon Core 1.17.1 (executor/predictor/predictor_process.go).

    Raises:
        NotRunnable: the graph branches, or a node is of a type that sends requests different ways.
    """
    for node in graph.walk():
        if node.type not in _METHODS:
            raise NotRunnable(
                f"{node.path} (node {node.name}) is of type {node.type or 'none'}: the local run walks graphs of "
                f"{', '.join(_METHODS)}"
            )
        for field in ("implementation", "methods"):
            if node.raw.get(field):
                raise NotRunnable(
                    f"{node.path}.{field} (node {node.name}) is set: the local run goes by the node's type only"
                )
        if len(node.children) > 1:
            raise NotRunnable(
                f"{node.path} (node {node.name}) has {len(node.children)} children: the local run walks chains, "
                "with at most one"
            )
    way = flow(graph)
    nodes = (*way.first, *(node for _, node in way.steps))
    return tuple(Call(node.name, _METHODS[node.type]) for node in nodes)
