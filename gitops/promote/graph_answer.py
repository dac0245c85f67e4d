"""``python -m gitops graph-answer``: runs a graph on this machine, and writes what it answers to its expected.json."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from gitops.command import Run
from gitops.errors import BadArgument, GitopsError
from gitops.files import write_all
from gitops.local import overlay as overlays
from gitops.local.answers import answers
from gitops.manifests.checkout import Checkout
from gitops.manifests.graph import flow, pinned_models
from gitops.manifests.graphnode import FILE
from gitops.manifests.rendered import OVERLAYS
from gitops.promote.prediction import compared, expected_json
from gitops.promote.preview import render_folder
from server.errors import BadExpectation
from server.pins import expectation
from server.pins.expectation import Expectation


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument("overlay", metavar="OVERLAY", help="folder of overlays/, of a graph")
    return lambda arguments, root: graph_answer(root, arguments.overlay, sys.stdout)


def graph_answer(root: Path, name: str, out: TextIO) -> int:
    """Run the graph ``name`` of the tree ``root``, and write its answer into its expected.json.

    It is asked the request there; where that names none, or it is refused, that of the first node's expected.json.

    Returns:
        0.

    Raises:
        BadArgument: there is no such graph.
        NoExample: it refuses the request.
        GitopsError: it cannot run here.
        NotWritten: the file cannot be written.
    """
    (folder,) = overlays.find(root, [name])
    if (folder / FILE).is_file():
        raise BadArgument(
            f"overlay {name!r}: is of one node, whose answer `make promote OVERLAY={name} MODEL=…` writes; name a graph"
        )
    _write(root, f"{OVERLAYS}/{name}", out)
    return 0


def refresh(root: Path, graphs: Iterable[str], out: TextIO) -> list[str]:
    """Write the answers of the ``graphs``, folders of the tree ``root``, and return those whose answer is another one now.

    Of one that does not run, ``out`` is told why.
    """
    written = []
    for folder in graphs:
        try:
            if _write(root, folder, out):
                written.append(folder)
        except GitopsError as error:
            out.write(f"note: {folder} does not run here: {str(error).partition(chr(10))[0]}\n")
            out.write(f"note: {stale(folder)}\n")
    return written


def stale(folder: str) -> str:
    """Return what to do about the expected.json of the graph ``folder``, one of whose nodes has another model now."""
    return (
        f"{folder} is composed of it: the answer in its {expectation.FILE} is that of the graph as it was; "
        f"`make graph-answer OVERLAY={Path(folder).name}` runs it and writes the new one"
    )


def _write(root: Path, folder: str, out: TextIO) -> bool:
    file = root / folder / expectation.FILE
    text = expected(Checkout("the work tree", root), folder, models=root)
    # Another machine's last digits are no other answer.
    changed = not _same(_read(file.parent), text)
    if changed:
        write_all({file: text})
    out.write(f"{folder}/{file.name}: {'written' if changed else 'is the answer of the graph already'}\n")
    return changed


def _same(own: Expectation | None, text: str) -> bool:
    content = json.loads(text)
    return (
        own is not None
        and own.request == content["request"]
        and dict(own.models) == content.get(expectation.MODELS)
        and own.response.keys() == content["response"].keys()
        and own.differences(content["response"]) == []
    )


def expected(side: Checkout, folder: str, *, models: Path) -> str:
    """Return the expected.json of the graph in ``folder`` of a tree, run with the models that the tree ``models`` has.

    Where no request is known it is not run, and no answer is compared.

    Raises:
        NoExample: it refuses the request.
        GitopsError: it does not render, or cannot run here.
    """
    rendered = render_folder(side, folder)
    graph = rendered.deployments[0].predictors[0].graph
    own = _read(side.root / folder)
    nodes = {node.name: _read(side.root / OVERLAYS / node.name) for node in graph.walk()}
    tolerances = [own.tolerance] if own else [entry.tolerance for entry in nodes.values() if entry]
    tolerance = max(tolerances, default=expectation.TOLERANCE)
    requests = list(_requests(own, nodes[flow(graph).first[0].name]))
    if not requests:
        return unanswered()
    given = answers(side.root / folder, requests, root=models)
    answered = compared(given.first, given.second, tolerance)
    return expected_json(given.request, answered, tolerance, pinned_models(rendered))


def unanswered() -> str:
    """Return an expected.json that names no request."""
    return expected_json(None, None, expectation.TOLERANCE, {})


def _requests(*given: Expectation | None) -> Iterator[dict[str, object]]:
    seen: list[dict[str, object]] = []
    for entry in given:
        if entry and entry.request not in seen:
            seen.append(entry.request)
            yield entry.request


def _read(folder: Path) -> Expectation | None:
    try:
        return expectation.read(folder / expectation.FILE)
    except BadExpectation:
        return None  # `make check` says so.
