"""A SeldonDeployment as tables for a reviewer, one for each of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops.diff.fields import flatten
from gitops.manifests.graphnode import ENVIRONMENT, INITIALIZER, fetch_arguments
from gitops.manifests.pod import Container, Pod
from gitops.manifests.seldondeployment import Node, Predictor, SeldonDeployment

# A part of an object: its kind, and the name of the one that it is where there are several.
Part = tuple[str, str]
Table = dict[str, str]

SERVER = "server"
NODE = "graph node"
# The containers that every node has.
ROLES = (INITIALIZER, ENVIRONMENT, SERVER)

MODEL_URI, MODEL_DIGEST, IMAGE = "model URI", "model digest", "image"


def parts(deployment: SeldonDeployment, main: str, *, several: bool) -> dict[Part, Table]:
    """Return the parts of a SeldonDeployment: itself, predictors, graph nodes, pods and containers.

    Args:
        deployment: the deployment.
        main: the name of the predictor whose parts are named without it.
        several: whether there are others, on this side or on the one that it is compared with.
    """
    raw = deployment.raw
    rest = _without(raw["spec"], "predictors")
    outside = {**_without(raw, "spec"), **({"spec": rest} if rest else {})}
    found = {("SeldonDeployment", ""): flatten(outside)}
    for predictor in deployment.predictors:
        # Canaries have the names of the main predictor's nodes once more.
        within = "" if predictor.name == main else f"{predictor.name}/"
        own = _without(predictor.raw, "name", "graph", "componentSpecs")
        found["predictor", predictor.name if several else ""] = {
            "name": predictor.name,
            **flatten(own),
        }
        found |= {(kind, within + name): table for (kind, name), table in _predictor(predictor)}
    return found


def _predictor(predictor: Predictor) -> Iterator[tuple[Part, Table]]:
    nodes = [node.name for node in predictor.graph.walk()]
    for node in predictor.graph.walk():
        yield (NODE, node.name), _node(predictor, node)
    for place, pod in enumerate(predictor.pods):
        owner = next((node for node in nodes if pod.container(node)), str(place))
        yield ("pod", owner), flatten(_without(pod.raw, "containers", "initContainers"))
        for container in (*pod.init_containers, *pod.containers):
            yield _part(pod, container, nodes), _container(container)


def _part(pod: Pod, container: Container, nodes: list[str]) -> Part:
    if container in pod.containers:
        return (SERVER, container.name) if container.name in nodes else ("container", container.name)
    for node in nodes:
        for role in (INITIALIZER, ENVIRONMENT):
            if container.name == f"{node}-{role}":
                return role, node
    return "init container", container.name


def _node(predictor: Predictor, node: Node) -> Table:
    pod = predictor.pod_of(node.name)
    containers = pod.init_containers if pod else ()
    uri, digest = next(
        (fetch_arguments(entry) for entry in containers if all(fetch_arguments(entry))), ("", "")
    )
    table = {MODEL_URI: uri, MODEL_DIGEST: digest} if uri else {}
    table |= flatten(_without(node.raw, "parameters", "children", "name"))
    table["children"] = ", ".join(child.name for child in node.children) or "none"
    for entry in node.parameters:
        table[f"parameter {entry.name}"] = (
            entry.value if entry.type == "STRING" else f"{entry.value} ({entry.type})"
        )
    return table


def _container(container: Container) -> Table:
    table = {IMAGE: container.image}
    uri, digest = fetch_arguments(container)
    args = list(container.args)
    if uri and digest:
        # They are the node's; what else stands among the arguments is the container's.
        args = [{uri: "MODEL_URI", digest: "MODEL_DIGEST"}.get(entry, entry) for entry in args]
    rest = _without(container.raw, "name", "image")
    return table | flatten({**rest, "args": args} if args else rest)


def _without(raw: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key not in keys}
