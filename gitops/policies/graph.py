"""Policies about the inference graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from gitops.manifests.graph import mismatches
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import Node
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy

# What the orchestrator does by itself, without a container.
BUILT_IN = ("SIMPLE_MODEL", "SIMPLE_ROUTER", "RANDOM_ABTEST", "AVERAGE_COMBINER")
_UNKNOWN = "UNKNOWN_TYPE"
_INT32 = range(-(2**31), 2**31)
_FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
# What the server and Seldon's own wrapper both read.
_BOOLEANS = ("true", "false", "yes", "no", "on", "off", "1", "0")
_VALUES: Mapping[str, Callable[[str], bool]] = {
    "INT": lambda value: re.fullmatch(r"[+-]?\d+", value) is not None and int(value) in _INT32,
    "FLOAT": lambda value: _FLOAT.fullmatch(value) is not None,
    "DOUBLE": lambda value: _FLOAT.fullmatch(value) is not None,
    "BOOL": lambda value: value.lower() in _BOOLEANS,
}
_SHAPES = {
    "INT": "a whole number of 32 bits",
    "FLOAT": "a number",
    "DOUBLE": "a number",
    "BOOL": "true or false",
}


@policy
def node_container(rendered: Rendered) -> Iterator[Violation]:
    """Every graph node has one container of its name: Seldon finds it by the name."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            names = [container.name for container in predictor.containers]
            for node in predictor.graph.walk():
                if names.count(node.name) != 1 and not (node.implemented and node.name not in names):
                    yield Violation(
                        deployment.title,
                        f"{node.path}.name is {node.name!r}, the containers are {', '.join(names) or 'none'}",
                        f"give one componentSpec a container of the name {node.name}",
                    )


@policy
def container_node(rendered: Rendered) -> Iterator[Violation]:
    """Every container is a graph node: Seldon gives each a Service and a port, and sends it no request."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            nodes = [node.name for node in predictor.graph.walk()]
            for container in predictor.containers:
                if container.name not in nodes:
                    yield Violation(
                        deployment.title,
                        f"{container.path}.name is {container.name!r}, the graph nodes are {', '.join(nodes)}",
                        "add the node to the graph, or remove the container",
                    )


@policy
def node_type(rendered: Rendered) -> Iterator[Violation]:
    """A node says what it does, by a type or by its methods: Seldon refuses one that does nothing."""
    for owner, node in _nodes(rendered):
        if node.type in ("", _UNKNOWN) and not node.implemented and not node.raw.get("methods"):
            yield Violation(owner, f"{node.path}.type is {node.type or 'not set'}", "set it, as in MODEL")


@policy
def logger_mode(rendered: Rendered) -> Iterator[Violation]:
    """A logger says what it logs: Seldon refuses one that does not."""
    for owner, node in _nodes(rendered):
        logger = node.raw.get("logger")
        if logger is not None and not logger.get("mode"):
            yield Violation(
                owner, f"{node.path}.logger.mode is not set", "set it to all, request or response"
            )


@policy
def output_transformer(rendered: Rendered) -> Iterator[Violation]:
    """In a graph with a MODEL an OUTPUT_TRANSFORMER is its parent, or that of another: it transforms that model's answers."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            models = [node.name for node in predictor.graph.walk() if node.type == "MODEL"]
            for node in predictor.graph.walk():
                if models and node.type == "OUTPUT_TRANSFORMER" and "MODEL" not in _transformed(node):
                    yield Violation(
                        deployment.title,
                        f"{node.path} ({node.name}) is an OUTPUT_TRANSFORMER and not the parent of a MODEL",
                        f"make it the parent of {models[0]}",
                    )


def _transformed(node: Node) -> Iterator[str]:
    """Yield the types of the nodes whose answers reach this one with nothing but output transformers between them."""
    for child in node.children:
        yield child.type
        if child.type == "OUTPUT_TRANSFORMER":
            yield from _transformed(child)


@policy
def parameter_type(rendered: Rendered) -> Iterator[Violation]:
    """A parameter's value is of its type: the server refuses to start with another."""
    for owner, node in _nodes(rendered):
        for parameter in node.parameters:
            fits = _VALUES.get(parameter.type)
            if fits is not None and not fits(parameter.value):
                yield Violation(
                    owner,
                    f"{parameter.path}: {parameter.name} has the type {parameter.type} and the value {parameter.value!r}",
                    f"set the value to {_SHAPES[parameter.type]}, or the type to STRING",
                )


def _nodes(rendered: Rendered) -> Iterator[tuple[str, Node]]:
    for deployment in rendered.deployments:
        for predictor in deployment.predictors:
            for node in predictor.graph.walk():
                yield deployment.title, node


@policy
def neighbours(tree: Tree) -> Iterator[Violation]:
    """The columns that a node of a graph answers are those that the next one takes: the server refuses others."""
    for folder, rendered in tree.rendered.items():
        for message in mismatches(tree.root, rendered):
            yield Violation(
                rendered.deployments[0].title,
                message,
                "promote a model that fits its neighbour, or put one between them that makes the one of the other",
                folder,
            )
