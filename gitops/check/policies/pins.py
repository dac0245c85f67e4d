"""Policies about pins: the model's contract and the lock of its requirements, which lie beside node.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePath

from gitops.check.policy import Breach, policy, warning
from gitops.check.tree import Tree
from gitops.node import GraphNode
from server import expectation
from server.environment import lock
from server.errors import BadExpectation, ServerError

CONTRACT = "contract.json"


@policy
def contract_digest(tree: Tree) -> Iterator[Breach]:
    """A contract.json is that of the pinned model: whoever reviews another model's has seen nothing."""
    for folder, node in _nodes(tree):
        file = tree.root / folder / CONTRACT
        if file.is_file():
            said = _contract_fault(file, node)
            if said:
                fix = (
                    f"make it again: `python -m server inspect {node.model_uri} --json > {folder}/{CONTRACT}`"
                )
                yield Breach(f"{folder}/{CONTRACT}", said, fix, folder)


@warning
def contract_present(tree: Tree) -> Iterator[Breach]:
    """An overlay has the contract.json of its model: without one a review shows no change of the signature."""
    for folder, node in _nodes(tree):
        if not (tree.root / folder / CONTRACT).is_file():
            fix = f"make it: `python -m server inspect {node.model_uri} --json > {folder}/{CONTRACT}`"
            yield Breach(node.title, f"has no {CONTRACT} beside it", fix, folder)


@policy
def lock_digest(tree: Tree) -> Iterator[Breach]:
    """A requirements.lock is that of the pinned model: the environment of a pod refuses any other."""
    for folder, node in _nodes(tree):
        file = tree.root / folder / lock.FILE
        if file.is_file():
            said = _lock_fault(file, node)
            if said:
                fix = f"make it again from the model's folder: `python -m server lock MODEL -o {folder}/{lock.FILE}`"
                yield Breach(f"{folder}/{lock.FILE}", said, fix, folder)


@warning
def lock_present(tree: Tree) -> Iterator[Breach]:
    """An overlay locks its model's requirements: without a lock each pod resolves them anew when it starts."""
    for folder, node in _nodes(tree):
        if not (tree.root / folder / lock.FILE).is_file():
            fix = f"make it from the model's folder: `python -m server lock MODEL -o {folder}/{lock.FILE}`"
            yield Breach(node.title, f"has no {lock.FILE} beside it", fix, folder)


@policy
def expected_answer(tree: Tree) -> Iterator[Breach]:
    """An expected.json is JSON with a request and the answer to it: the smoke test sends the one and wants the other."""
    for folder in tree.rendered:
        file = tree.root / folder / expectation.FILE
        if file.is_file():
            try:
                expectation.read(file)
            except BadExpectation as error:
                said = str(error).removeprefix(f"{file}: ")
                fix = "correct it, or promote the model again: `make promote` writes it"
                yield Breach(f"{folder}/{expectation.FILE}", said, fix, folder)


@warning
def answer_compared(tree: Tree) -> Iterator[Breach]:
    """An expected.json names a request: without one nothing shows that a rollout answers as the model did."""
    for folder in tree.rendered:
        file = tree.root / folder / expectation.FILE
        if file.is_file() and _names_no_request(file):
            fix = f"promote it with one: `make promote OVERLAY={PurePath(folder).name} MODEL=… EXAMPLE=file.json`"
            yield Breach(
                f"{folder}/{expectation.FILE}", "names no request, so no answer is compared", fix, folder
            )


def _names_no_request(file: Path) -> bool:
    try:
        return expectation.read(file) is None
    except BadExpectation:
        return False  # expected_answer says so.


def _nodes(tree: Tree) -> Iterator[tuple[str, GraphNode]]:
    for folder, rendered in tree.rendered.items():
        if rendered.node is not None:
            yield folder, rendered.node


def _contract_fault(file: Path, node: GraphNode) -> str:
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        return f"is no JSON: {error}"
    digest = content.get("digest") if isinstance(content, dict) else None
    return "" if digest == node.model_digest else _of_another(digest, node)


def _lock_fault(file: Path, node: GraphNode) -> str:
    try:
        digest = lock.read(file).digest
    except ServerError as error:
        return str(error).removeprefix(f"{file}: ")
    return "" if digest == node.model_digest else _of_another(digest, node)


def _of_another(digest: object, node: GraphNode) -> str:
    return f"belongs to the model {digest or 'without digest'}, node.yaml pins {node.model_digest}"
