"""An inference graph as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""

from __future__ import annotations

import re
from collections.abc import Set

from gitops.diff.model import Model
from gitops.manifests.graph import flow
from gitops.manifests.seldondeployment import Node, SeldonDeployment

# All else is written as its code point: a name must not end the label that it stands in.
_UNSAFE = re.compile(r"[^A-Za-z0-9 .,_/:@-]")


def mermaid(deployment: SeldonDeployment, models: dict[str, Model], changed: Set[str] = frozenset()) -> str:
    """Return the picture of all graphs of a deployment: the way of a request and its answer, a box with its model per node.

    Args:
        deployment: the deployment.
        models: its models by their node, as ``gitops.diff.model.models`` names them.
        changed: the nodes to draw in bold.
    """
    images = _images(deployment)
    lines = ["flowchart LR", '  request(["request"])', '  answer(["answer"])']
    for place, predictor in enumerate(deployment.predictors):
        within = f"{predictor.name}/" if place else ""
        engine = "no orchestrator" if predictor.no_engine else "orchestrator"
        traffic = f", {predictor.raw['traffic']} % of the requests" if "traffic" in predictor.raw else ""
        title = f"predictor {predictor.name}: {engine}, replicas {predictor.replicas}{traffic}"
        nodes = {id(node): f"n{place}_{number}" for number, node in enumerate(predictor.graph.walk())}
        lines.append(f'  subgraph p{place}["{_escaped(title)}"]')
        for node in predictor.graph.walk():
            box = f'    {nodes[id(node)]}["{_label(node, models.get(within + node.name), images.get(within + node.name, ""))}"]'
            lines.append(f"{box}:::changed" if within + node.name in changed else box)
        way = flow(predictor.graph)
        lines += [f"    {nodes[id(one)]} --> {nodes[id(other)]}" for one, other in way.steps]
        lines.append("  end")
        lines += [f"  request --> {nodes[id(node)]}" for node in way.first]
        lines += [f"  {nodes[id(node)]} --> answer" for node in way.last]
    return "\n".join([*lines, "  classDef changed stroke-width:4px"])


def topology(deployment: SeldonDeployment) -> tuple[object, ...]:
    """Return what of a deployment makes its graph another one: predictors, nodes, their types and order."""
    return tuple((entry.name, entry.no_engine, _topology(entry.graph)) for entry in deployment.predictors)


def _topology(node: Node) -> tuple[object, ...]:
    return node.name, node.type, node.implementation, tuple(_topology(child) for child in node.children)


def _images(deployment: SeldonDeployment) -> dict[str, str]:
    """Return the image of each node, as models are named; none where all run the same."""
    found = {
        f"{predictor.name}/{container.name}" if place else container.name: container.image
        for place, predictor in enumerate(deployment.predictors)
        for node in predictor.graph.walk()
        for container in predictor.containers
        if container.name == node.name
    }
    return found if len(set(found.values())) > 1 else {}


def _label(node: Node, model: Model | None, image: str) -> str:
    lines = [node.name, node.type or node.implementation]
    if model is not None and model.uri:
        lines += [model.uri.rstrip("/").rpartition("/")[2], model.digest.removeprefix("sha256:")[:12]]
    if model is not None and model.method:
        lines.append(f"calls {model.method}")
    if image:
        repository, _, digest = image.partition("@")
        lines.append(f"image {digest.removeprefix('sha256:')[:12] or repository}")
    return "<br>".join(_escaped(line) for line in lines if line)


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda character: f"#{ord(character[0])};", text)
