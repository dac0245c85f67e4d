"""Where the gateway sends the requests of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitops.local.graph import Call


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
