"""The inference graph: the flow of a request and its answer, and whether the signatures along it match.

A node gets its neighbour's answer by names, and refuses columns that its signature does not have (docs/signature.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitops.errors import BadManifest
from gitops.manifests import contract
from gitops.manifests.contract import Column, Contract
from gitops.manifests.graphnode import INITIALIZER, fetch_arguments
from gitops.manifests.rendered import OVERLAYS, Rendered
from gitops.manifests.seldondeployment import Node

_NUMBERS = ("integer", "long", "float", "double")
_WITH_MODEL = ("MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER")


def mismatches(root: Path, rendered: Rendered, node: str = "") -> Iterator[str]:
    """Yield what does not fit between neighbours in what a folder of the tree ``root`` renders.

    Of all, or of the graph node ``node`` and its neighbours.
    """
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            for giver, taker in _neighbours(predictor.graph):
                if node in ("", giver.name, taker.name):
                    before, after = (_contract(root, rendered, entry) for entry in (giver, taker))
                    for message in _between(before, after):
                        yield f"{giver.name} → {taker.name}: {message}"


def _contract(root: Path, rendered: Rendered, node: Node) -> Contract | None:
    return model_contract(root, node_folder(rendered, node))


def node_folder(rendered: Rendered, node: Node) -> str:
    """Return the folder with a node's contract and lock: this overlay's, or for a graph of several the one of its name."""
    own = rendered.node is not None and rendered.node.node == node.name
    return rendered.folder if own else f"{OVERLAYS}/{node.name}"


def pinned_models(rendered: Rendered) -> Mapping[str, str]:
    """Return the digest of each node's model; those of a canary or shadow are tried by their own overlays."""
    return {
        container.name.removesuffix(f"-{INITIALIZER}"): fetch_arguments(container)[1]
        for deployment in rendered.deployments
        for predictor in deployment.predictors[:1]
        for pod in predictor.pods
        for container in pod.init_containers
        if container.name.endswith(f"-{INITIALIZER}")
    }


def model_contract(root: Path, folder: str) -> Contract | None:
    """Return the contract in ``folder`` of the tree ``root``, None where there is none that can be read."""
    place = root / folder
    # A link may lead out of the tree, and the report shows what is read.
    if not (place / contract.FILE).resolve().is_relative_to(root.resolve()):
        return None
    try:
        return contract.read(place)
    except BadManifest:
        return None  # contract_digest says so.


def _neighbours(graph: Node) -> Iterator[tuple[Node, Node]]:
    """Yield each pair of nodes with a model of which the second gets the answer of the first, past routers.

    No contract describes what a combiner answers.
    """
    steps = flow(graph).steps

    def givers(node: Node) -> Iterator[Node]:
        for one, other in steps:
            if other is node and one.type in _WITH_MODEL:
                yield one
            elif other is node and one.type != "COMBINER":
                yield from givers(one)

    takers = {id(node): node for _, node in steps if node.type in _WITH_MODEL}
    for taker in takers.values():
        yield from ((giver, taker) for giver in givers(taker))


def _between(before: Contract | None, after: Contract | None) -> Iterator[str]:
    given = before.outputs if before else None
    taken = after.inputs if after else None
    if given is None or taken is None or any(column.type.startswith("tensor") for column in (*given, *taken)):
        return  # Not described: the model itself will say.
    if all(column.named for column in (*given, *taken)):
        yield from _by_name(given, taken)
    elif len(given) != len(taken):
        yield f"{len(given)} columns are answered, {len(taken)} are taken"
    else:
        for left, right in zip(given, taken, strict=True):
            yield from _type(left, right)


def _by_name(given: tuple[Column, ...], taken: tuple[Column, ...]) -> Iterator[str]:
    answered = {column.label: column for column in given}
    wanted = {column.label: column for column in taken}
    for label, column in wanted.items():
        if label in answered:
            yield from _type(answered[label], column)
        elif column.required:
            yield f"column {label!r} is taken, and not answered"
    for label in answered:
        if label not in wanted:
            yield f"column {label!r} is answered, and not taken"


def _type(given: Column, taken: Column) -> Iterator[str]:
    """Yield why values of one type are not taken as the other: a number may become a wider one."""
    if given.type == taken.type or '"any"' in taken.type:
        return
    both = given.type in _NUMBERS and taken.type in _NUMBERS
    # JSON has one type of number; only a fraction can be refused.
    if both and not (given.type in ("float", "double") and taken.type in ("integer", "long")):
        return
    yield f"column {given.label!r} is answered as {given.type}, and taken as {taken.type}"


_ON_THE_WAY_BACK = ("OUTPUT_TRANSFORMER", "COMBINER")
_COMBINERS = ("AVERAGE_COMBINER",)


@dataclass(frozen=True)
class Flow:
    """How a request and its answer pass a graph: the nodes that it reaches first, each step, and those that it leaves from."""

    first: tuple[Node, ...]
    steps: tuple[tuple[Node, Node], ...]
    last: tuple[Node, ...]


def flow(node: Node) -> Flow:
    """Return the way through ``node`` and its children.

    Transformers, models and routers act before their children, output transformers and combiners on their answers:
    https://docs.seldon.io/projects/seldon-core/en/v1.17.1/graph/inference-graph.html.
    """
    below = [flow(child) for child in node.children]
    first = tuple(entry for flow in below for entry in flow.first)
    last = tuple(entry for flow in below for entry in flow.last)
    steps = tuple(step for flow in below for step in flow.steps)
    if not below:
        return Flow((node,), (), (node,))
    if node.type in _ON_THE_WAY_BACK or node.implementation in _COMBINERS:
        return Flow(first, (*steps, *((entry, node) for entry in last)), (node,))
    return Flow((node,), (*((node, entry) for entry in first), *steps), last)
