"""Policies about expected answers: the expected.json beside an overlay, which the smoke test compares with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from gitops.errors import BuildFailed
from gitops.manifests.contract import Column
from gitops.manifests.documents import is_pointer, read_json, words
from gitops.manifests.graph import model_contract, pinned_models
from gitops.manifests.rendered import Rendered
from gitops.manifests.tree import Tree
from gitops.manifests.unstructured import leaves
from gitops.policies.policy import Violation, policy, warning
from server.errors import BadExpectation
from server.pins import expectation
from server.pins.expectation import Expectation

# Any other key is misspelt or unused.
_KEYS = ("request", "response", "tolerance", "varies", expectation.MODELS)
# Of the largest number of the answer: with more, almost any answer would be the expected one.
_MOST = 0.01
_AGAIN = "promote the model again: `make promote` writes it"
_METHOD = "predict"
_NAMED = ("MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER")


@policy
def expected_answer(tree: Tree) -> Iterator[Violation]:
    """An expected.json is JSON with a request and the answer to it: the smoke test sends the one and wants the other."""
    for folder, file in _files(tree):
        reason = _fault(file)
        if reason:
            yield Violation(f"{folder}/{expectation.FILE}", reason, f"correct it, or {_AGAIN}", folder)


@warning
def answer_compared(tree: Tree) -> Iterator[Violation]:
    """An expected.json names a request: without one nothing shows that a rollout answers as the model did."""
    for folder, file in _files(tree):
        if not _fault(file) and expectation.read(file) is None:
            fix = f"promote it with one: `make promote OVERLAY={PurePath(folder).name} MODEL=… EXAMPLE=file.json`"
            yield Violation(
                f"{folder}/{expectation.FILE}", "names no request, so no answer is compared", fix, folder
            )


@policy
def answer_tolerance(tree: Tree) -> Iterator[Violation]:
    """A tolerance is up to a hundredth of the answer's largest number: with more, any answer would be right."""
    for folder, expected in _expectations(tree):
        numbers = (value for value in leaves(expected.response) if isinstance(value, int | float))
        largest = max((abs(float(value)) for value in numbers if not isinstance(value, bool)), default=0.0)
        most = max(largest * _MOST, expectation.TOLERANCE)
        if expected.tolerance > most:
            yield Violation(
                f"{folder}/{expectation.FILE}",
                f"tolerance is {expected.tolerance:g}, and the largest number of the answer is {largest:g}",
                f"lower it to {most:g} or less; what another CPU changes is far below that",
                folder,
            )


@policy
def answer_model(tree: Tree) -> Iterator[Violation]:
    """An expected.json is the answer of the pinned model: an old one beside a new model fails the rollout, or hides what changed."""
    for folder, expected in _expectations(tree):
        if tree.rendered[folder].node is not None:
            for reason in _of_other_models(expected, tree.rendered[folder]):
                yield Violation(f"{folder}/{expectation.FILE}", reason, _AGAIN, folder)


@warning
def graph_answer_model(tree: Tree) -> Iterator[Violation]:
    """A graph's expected.json is the answer of the pinned models: its smoke test fails on that of others."""
    for folder, expected in _expectations(tree):
        rendered = tree.rendered[folder]
        for reason in _of_other_models(expected, rendered) if rendered.node is None else ():
            fix = f"`make graph-answer OVERLAY={PurePath(folder).name}` runs the graph and writes its answer"
            yield Violation(f"{folder}/{expectation.FILE}", reason, fix, folder)


@policy
def answer_names(tree: Tree) -> Iterator[Violation]:
    """The names in an expected.json are those of the model's signature: the server refuses a request of others."""
    for folder, expected in _expectations(tree):
        rendered = tree.rendered[folder]
        signature = model_contract(tree.root, folder)
        if rendered.node is None or signature is None or rendered.node.type not in _NAMED:
            continue
        for reason in _unknown(expected.request, signature.inputs, "request"):
            yield Violation(f"{folder}/{expectation.FILE}", reason, _AGAIN, folder)
        if _method(rendered) == _METHOD:
            for reason in _unknown(expected.response, signature.outputs, "response"):
                yield Violation(f"{folder}/{expectation.FILE}", reason, _AGAIN, folder)


def _files(tree: Tree) -> Iterator[tuple[str, Path]]:
    for folder in tree.rendered:
        file = tree.root / folder / expectation.FILE
        # What stands in for a large file is said by itself (lfs_pointer).
        if file.is_file() and not is_pointer(file):
            yield folder, file


def _expectations(tree: Tree) -> Iterator[tuple[str, Expectation]]:
    for folder, file in _files(tree):
        expected = None if _fault(file) else expectation.read(file)
        if expected is not None:
            yield folder, expected


def _fault(file: Path) -> str:
    """Return what is wrong with the file by itself, empty where nothing is."""
    try:
        content = read_json(file)
        expectation.read(file)
    except (BadExpectation, BuildFailed) as error:
        return words(error, file)
    unknown = [key for key in content if key not in _KEYS] if isinstance(content, dict) else []
    return f"has the key {unknown[0]!r}: must be one of {', '.join(_KEYS)}" if unknown else ""


def _of_other_models(expected: Expectation, rendered: Rendered) -> Iterator[str]:
    for node, digest in pinned_models(rendered).items():
        given = expected.models.get(node, "")
        if given != digest:
            whose = f"is the answer of {given}" if given else "does not say of which model it is the answer"
            yield f"{whose} for the node {node}, which pins {digest}"


def _method(rendered: Rendered) -> str:
    """Return the method that answers; only that of ``predict`` is described by the signature."""
    for deployment in rendered.deployments:
        for predictor in deployment.predictors[:1]:
            for entry in predictor.graph.parameters:
                if entry.name == "predict_method":
                    return entry.value
    return _METHOD


def _unknown(message: Mapping[str, Any], columns: tuple[Column, ...] | None, where: str) -> Iterator[str]:
    data = message.get("data")
    names = data.get("names") if isinstance(data, Mapping) else None
    if not names or not columns or not all(column.named for column in columns):
        return
    known = {column.label: column for column in columns}
    for name in names:
        if name not in known:
            yield f"{where}.data.names has {name!r}, which the signature does not: it has {', '.join(known)}"
    for label, column in known.items():
        if column.required and label not in names:
            yield f"{where}.data.names lacks {label!r}, which the signature has"
