"""The models that a rendered overlay pins, with the contract and lock beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gitops.errors import BadManifest
from gitops.manifests import contract, requirements_lock
from gitops.manifests.checkout import Checkout
from gitops.manifests.contract import Contract
from gitops.manifests.graph import node_folder
from gitops.manifests.graphnode import INITIALIZER, fetch_arguments
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import Node, Predictor
from server.environment.requirements_lock import Lock
from server.errors import BadLock, BadRequirements

T = TypeVar("T")


@dataclass(frozen=True)
class Model:
    """The model of a graph node: what is pinned of it, how it is called, and what git says of it.

    ``problems`` says what of it cannot be read or belongs to another model.
    """

    uri: str
    digest: str
    type: str
    method: str
    contract: Contract | None
    lock: Lock | None
    problems: tuple[str, ...]


def models(side: Checkout, rendered: Rendered) -> dict[str, Model]:
    """Return the models of an overlay by their graph node, that of a further predictor by predictor/node."""
    return {
        f"{predictor.name}/{node.name}" if index else node.name: _model(side, rendered, predictor, node)
        for deployment in rendered.deployments
        for index, predictor in enumerate(deployment.predictors)
        for node in predictor.graph.walk()
    }


def _model(side: Checkout, rendered: Rendered, predictor: Predictor, node: Node) -> Model:
    uri, digest = _pinned(predictor, node)
    folder = side.root / node_folder(rendered, node)
    problems: list[str] = []
    described = _read(side, folder, contract.read, contract.FILE, problems)
    if described is not None and described.digest != digest:
        problems.append(
            f"{contract.FILE} describes {described.digest} and not the pinned {digest or 'model'}; "
            "let `make promote` write it again"
        )
    locked = _read(side, folder, read_lock, LOCK, problems)
    method = next((entry.value for entry in node.parameters if entry.name == "predict_method"), "")
    return Model(uri, digest, node.type, method, described, locked, tuple(problems))


def _pinned(predictor: Predictor, node: Node) -> tuple[str, str]:
    pod = predictor.pod_of(node.name)
    names = {entry.name: entry for entry in pod.init_containers} if pod else {}
    initializer = names.get(f"{node.name}-{INITIALIZER}")
    return fetch_arguments(initializer) if initializer else ("", "")


def _read(
    side: Checkout, folder: Path, read: Callable[[Path], T | None], file: str, problems: list[str]
) -> T | None:
    # A link may lead anywhere, and what is read is published.
    if not (folder / file).resolve().is_relative_to(side.root):
        problems.append(f"{file} is a link that leads out of the repository: put the file itself there")
        return None
    try:
        return read(folder)
    except BadManifest as error:
        problems.append(f"{file} cannot be read: {side.words(error)}")
        return None


LOCK = requirements_lock.FILE


def read_lock(folder: Path) -> Lock | None:
    """Return the lock in ``folder``, or None where there is none.

    Raises:
        BadManifest: it is no lock.
    """
    file = folder / LOCK
    if not file.is_file():
        return None
    try:
        return requirements_lock.read(file)
    except (BadLock, BadRequirements) as error:
        raise BadManifest(str(error)) from error
