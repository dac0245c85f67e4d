"""Policies about pins: the model's contract and the lock of its requirements, which lie beside node.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gitops.errors import BadManifest, BuildFailed
from gitops.manifests import contract, requirements_lock
from gitops.manifests.contract import Contract
from gitops.manifests.documents import is_pointer, read_json, words
from gitops.manifests.graph import model_contract
from gitops.manifests.graphnode import GraphNode, read_node
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy, warning
from server.environment.requirements import Requirement, requirement
from server.environment.requirements_lock import Lock
from server.errors import BadRequirements, ServerError


@policy
def contract_digest(tree: Tree) -> Iterator[Violation]:
    """A contract.json is that of the pinned model: whoever reviews another model's has seen nothing."""
    for folder, node in _nodes(tree):
        file = tree.root / folder / contract.FILE
        if file.is_file():
            message = _contract_fault(file, node)
            if message:
                yield Violation(
                    f"{folder}/{contract.FILE}", message, f"make it again: {_promote(folder, node)}", folder
                )


@policy
def contract_changed(tree: Tree) -> Iterator[Violation]:
    """A contract.json changes with its model alone: what a model is follows from its bytes."""
    for folder, node in _nodes(tree):
        for key in _changed(tree.before, tree.root, folder, node) if tree.before else ():
            yield Violation(
                f"{folder}/{contract.FILE}",
                f"{key} is another one than before, and node.yaml pins the same model",
                f"undo the change, or make it again: {_promote(folder, node)}",
                folder,
            )


@warning
def contract_present(tree: Tree) -> Iterator[Violation]:
    """An overlay has the contract.json of its model: without one a review shows no change of the signature."""
    yield from _missing(tree, contract.FILE)


@policy
def lock_digest(tree: Tree) -> Iterator[Violation]:
    """A requirements.lock is that of the pinned model: the environment of a pod refuses any other."""
    for folder, node in _nodes(tree):
        file = tree.root / folder / requirements_lock.FILE
        if file.is_file():
            message = _lock_fault(file, node)
            if message:
                yield Violation(
                    f"{folder}/{requirements_lock.FILE}",
                    message,
                    f"make it again: {_promote(folder, node)}",
                    folder,
                )


@policy
def lock_content(tree: Tree) -> Iterator[Violation]:
    """A requirements.lock is as it was resolved, of all that the model asks for: pods install what it lists."""
    for folder, node in _nodes(tree):
        lock = _read_lock(tree.root / folder)
        if lock is None or lock.digest != node.model_digest:
            continue  # What cannot be read, or is of another model, is said by itself.
        was = _read_lock(tree.before / folder) if tree.before else None
        for message in _edited(lock, was, model_contract(tree.root, folder)):
            yield Violation(
                f"{folder}/{requirements_lock.FILE}",
                message,
                f"make it again: {_promote(folder, node)}",
                folder,
            )


@warning
def lock_present(tree: Tree) -> Iterator[Violation]:
    """An overlay locks its model's requirements: without a lock each pod resolves them anew when it starts."""
    yield from _missing(tree, requirements_lock.FILE)


def _missing(tree: Tree, file: str) -> Iterator[Violation]:
    for folder, node in _nodes(tree):
        if not (tree.root / folder / file).is_file():
            fix = f"make it: {_promote(folder, node)}"
            yield Violation(node.title, f"has no {file} beside it", fix, folder)


def _promote(folder: str, node: GraphNode) -> str:
    return f"`make promote OVERLAY={folder.rpartition('/')[2]} MODEL={node.model_uri}`"


def _nodes(tree: Tree) -> Iterator[tuple[str, GraphNode]]:
    for folder, rendered in tree.rendered.items():
        if rendered.node is not None:
            yield folder, rendered.node


def _contract_fault(file: Path, node: GraphNode) -> str:
    if is_pointer(file):
        return ""  # lfs_pointer says so.
    try:
        content = read_json(file)
    except BuildFailed as error:
        return words(error, file)
    digest = content.get("digest") if isinstance(content, dict) else None
    return "" if digest == node.model_digest else _of_another(digest, node)


def _changed(before: Path, root: Path, folder: str, node: GraphNode) -> Iterator[str]:
    """Yield what the contract of a model says otherwise than before; a newer `inspect` may say more."""
    try:
        old = read_node(before / folder)
        if (
            old is None
            or old.model_digest != node.model_digest
            or not (root / folder / contract.FILE).is_file()
        ):
            return
        message, now = read_json(before / folder / contract.FILE), read_json(root / folder / contract.FILE)
    except (BadManifest, BuildFailed):
        return  # A broken contract is a violation of its own.
    if isinstance(message, dict) and isinstance(now, dict):
        yield from (key for key in message if now.get(key) != message[key])


def _lock_fault(file: Path, node: GraphNode) -> str:
    if is_pointer(file):
        return ""
    try:
        digest = requirements_lock.read(file).digest
    except ServerError as error:
        return words(error, file)
    return "" if digest == node.model_digest else _of_another(digest, node)


def _read_lock(folder: Path) -> Lock | None:
    try:
        return requirements_lock.read(folder / requirements_lock.FILE)
    except ServerError:
        return None


def _edited(lock: Lock, was: Lock | None, described: Contract | None) -> Iterator[str]:
    """Yield what shows that a lock is not what was resolved for its model, which ``was`` it before."""
    if lock.content and lock.content != lock.actual:
        yield f"was edited: its lines have the hash {lock.actual}, and it names {lock.content}"
    elif was and was.content and not lock.content:
        yield "names no `# content: …` any more, which shows whether it was edited"
    for entry in lock.requirements.entries:
        if not entry.hashed:
            yield f"{entry.shown} has no hash, and pods install with hashes only"
    for asked in _asked(described):
        locked = [entry for entry in lock.requirements.entries if entry.name == asked.name]
        versions = [entry.version for entry in locked if entry.version]
        if not locked:
            yield f"lacks {asked.shown}, which the model asks for"
        elif versions and not any(asked.admits(version) for version in versions):
            yield f"has {asked.name} {', '.join(versions)}, and the model asks for {asked.shown}"


def _asked(described: Contract | None) -> Iterator[Requirement]:
    """Yield the requirements of a model that hold on every machine."""
    for text in described.requirements if described else ():
        try:
            found = requirement(text, contract.FILE)
        except BadRequirements:
            continue  # Only uv knows what it means.
        if found.name and ";" not in found.text:
            yield found


def _of_another(digest: object, node: GraphNode) -> str:
    return f"belongs to the model {digest or 'without digest'}, node.yaml pins {node.model_digest}"
