"""``python -m gitops new-graph``: a folder of overlays/ with a graph that is composed of overlays of one node."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from gitops.command import Run
from gitops.errors import BadArgument, GitopsError, GraphBroken, NoExample
from gitops.files import write_all
from gitops.manifests import flux, graphnode
from gitops.manifests.applications import FOLDER, applications
from gitops.manifests.checkout import Checkout
from gitops.manifests.flux import applied_folders
from gitops.manifests.graph import mismatches
from gitops.manifests.graphnode import GraphNode, read_node
from gitops.manifests.overlay import find
from gitops.manifests.rendered import OVERLAYS, node_files
from gitops.manifests.tree import load
from gitops.policies.argocd import orchestrator_opt_in
from gitops.policies.predictors import smoke_protocol
from gitops.promote.graph_answer import expected, unanswered
from gitops.promote.graph_overlay import MODEL, TYPES, GraphOverlay
from gitops.promote.new_overlay import NAME
from gitops.promote.preview import copy_with, render_folder
from server.pins import expectation

# The Service of the predictor is called <deployment>-<predictor>: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_LONGEST_SERVICE = 63
_USE = "give them as in `make new-graph NAME=pipeline NODES=preprocessor,model,postprocessor`"


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="name of the folder and the predictor")
    parser.add_argument(
        "nodes",
        metavar="NODES",
        help="overlays of its nodes, in the order of the way of a request and its answer",
    )
    return lambda arguments, root: new_graph(root, arguments.name, arguments.nodes, sys.stdout)


def new_graph(root: Path, name: str, nodes: str, out: TextIO) -> int:
    """Add the overlay ``name`` to the tree ``root``: a graph of the overlays ``nodes``, separated by commas.

    They are in the order in which a request, and then its answer, pass them: TRANSFORMERs among themselves, and
    OUTPUT_TRANSFORMERs among themselves; the one MODEL is between them wherever it is named. The graph is run on this
    machine, on the request of its first node, for its expected.json. All of it is written, or nothing.

    Returns:
        0.

    Raises:
        BadArgument: the name cannot be one or is taken, or the nodes make no graph.
        GraphBroken: a node does not take what the one before it answers.
        GitopsError: it does not render.
        NotWritten: a file cannot be written.
    """
    graph = _graph(root, name, nodes)
    file = f"{graph.folder}/{expectation.FILE}"
    texts = {**graph.texts(), file: unanswered()}
    with copy_with(root, texts) as side:
        _check_neighbours(side, graph)
        try:
            texts[file] = expected(side, graph.folder, models=root)
            left = []
        except NoExample as error:
            raise GraphBroken(f"{error}; nothing is changed") from error
        except GitopsError as error:
            reason = side.words(error).partition("\n")[0]
            left = [
                f"it does not run here ({reason}), so no answer is compared; where it does, run "
                f"`make graph-answer OVERLAY={name}`"
            ]
        left += _left(side, graph)
    for written in write_all({root / path: text for path, text in texts.items()}):
        out.write(f"{written.relative_to(root)}: written\n")
    way = " → ".join(("request", *(node.node for node in graph.nodes), "answer"))
    out.write(f"SeldonDeployment {graph.deployment}: {way}\n")
    if left:
        out.write("Left to do before it is deployed (docs/install.md):\n")
        out.writelines(f"- {entry}\n" for entry in left)
    return 0


def _graph(root: Path, name: str, nodes: str) -> GraphOverlay:
    names = [entry.strip() for entry in nodes.split(",") if entry.strip()]
    _check_nodes(names)
    found = [_node(root, entry) for entry in names]
    models = [node.node for node in found if node.type == MODEL]
    if len(models) != 1:
        raise BadArgument(
            f"NODES {nodes!r}: {' and '.join(models) or 'none'} {'are' if models else 'is'} a {MODEL}; a graph has one, "
            f"which answers; {_USE}"
        )
    graph = GraphOverlay.of(name, found)
    _check_name(root, graph)
    return graph


def _check_nodes(names: Sequence[str]) -> None:
    twice = next((entry for entry in names if names.count(entry) > 1), "")
    if twice:
        raise BadArgument(
            f"NODES: {twice!r} is named twice, and a graph has one node of a name; name it once"
        )
    if len(names) < 2:
        raise BadArgument(
            f"NODES {','.join(names)!r}: a graph has a {MODEL} and a node before or after it; {_USE}"
        )


def _node(root: Path, name: str) -> GraphNode:
    if (root / OVERLAYS / name).is_dir() and not (root / OVERLAYS / name / graphnode.FILE).exists():
        raise BadArgument(
            f"NODES: {name!r} is a graph itself, without a node.yaml; name overlays of one node"
        )
    overlay = find(root, name)
    node = overlay.node
    if node.type not in TYPES:
        raise BadArgument(f"NODES: {name!r} is a {node.type}; a graph is generated of {', '.join(TYPES)}")
    if not (root / overlay.folder / expectation.FILE).is_file():
        raise BadArgument(f"NODES: {name!r} has no model yet; `make promote OVERLAY={name} MODEL=…` first")
    return node


def _check_name(root: Path, graph: GraphOverlay) -> None:
    longest = (_LONGEST_SERVICE - len(f"{graph.stem}--")) // 2
    if not NAME.fullmatch(graph.name) or len(graph.name) > longest:
        raise BadArgument(
            f"overlay name {graph.name!r}: must be 1 to {longest} of a–z, 0–9 and -, a letter first and no - last: "
            f"Kubernetes names the Service {graph.stem}-NAME-NAME by it; give it as in `make new-graph NAME=pipeline`"
        )
    if (root / graph.folder).exists():
        raise BadArgument(f"overlay name {graph.name!r}: {graph.folder} is there already; choose another")
    for file in node_files(root):
        other = read_node(file.parent)
        if other is not None and other.deployment == graph.deployment:
            raise BadArgument(
                f"overlay name {graph.name!r}: {OVERLAYS}/{file.parent.name} deploys under the graph's name, "
                f"{graph.deployment}; choose another"
            )
    for node in graph.nodes:
        if node.deployment == graph.stem:
            raise BadArgument(
                f"NODES: {node.node!r} deploys as {node.deployment}, which Kustomize needs for the graph before it adds "
                f"-{graph.name}; rename the deployment in {OVERLAYS}/{node.node}/node.yaml"
            )


def _check_neighbours(side: Checkout, graph: GraphOverlay) -> None:
    rendered = render_folder(side, graph.folder)
    for violation in smoke_protocol.judge(rendered):
        raise GraphBroken(f"{violation.owner}: {violation.value}; {violation.fix}; nothing is changed")
    given = list(mismatches(side.root, rendered))
    if given:
        listed = "\n  ".join(given)
        raise GraphBroken(
            f"{graph.folder}: these nodes do not fit each other in this order, so nothing is changed; change the order, or "
            f"promote models that fit\n  {listed}"
        )


def _left(side: Checkout, graph: GraphOverlay) -> Iterator[str]:
    """Yield what keeps the graph from being deployed."""
    tree = load(side.root)
    for violation in orchestrator_opt_in.judge(tree):
        if violation.folder == graph.folder:
            yield f"{violation.value}: {violation.fix}"
    declared, folders = applications(tree), applied_folders(tree)
    if declared is not None and not declared.of(graph.folder):
        yield (
            f"no Application has it: add {{path: {{path: {graph.folder}}}, spec: {{deployment: {graph.deployment}}}}} to the list "
            f"in {FOLDER}/applicationset-deployments.yaml"
        )
    if folders is not None and graph.folder not in folders:
        yield (
            f"no Kustomization of Flux has it: add one named {graph.deployment} with the path ./{graph.folder} to "
            f"{flux.FOLDER}/kustomizations.yaml"
        )
