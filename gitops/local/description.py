"""What an overlay's files say of its deployment: its graph, its nodes with their models, and a request to try, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp

from gitops.errors import BadManifest, GitopsError
from gitops.local.overlay import LocalOverlay, read_expected
from gitops.local.ports import HOST
from gitops.local.routes import calls
from gitops.manifests import contract
from gitops.manifests.graphnode import INITIALIZER, fetch_arguments, read_node
from gitops.manifests.seldondeployment import SELDON, V2, Node
from server.artifact.source import shown
from server.environment import requirements_lock
from server.errors import BadExpectation, ServerError
from server.pins import protocols
from server.pins.expectation import Expectation

PROTOCOLS = {SELDON: "Seldon v1", V2: "Open Inference Protocol (v2)"}


def describe(overlay: LocalOverlay, example: Any = None, *, wrapped: bool = False) -> dict[str, Any]:
    """Return what an overlay is.

    ``example`` is the request to try where expected.json has none; ``wrapped`` says that Seldon's own wrapper answers, which
    speaks Seldon's protocol alone.
    """
    predictor, deployment = overlay.predictor, overlay.deployment
    return {
        "deployment": deployment.name,
        "namespace": deployment.namespace,
        "path": overlay.path,
        "orchestrator": not predictor.no_engine,
        # A node's own page: an orchestrator has another one there.
        "page": "" if overlay.calls or wrapped else f"{overlay.path}/api/v1.0/doc/",
        # In the order in which a request, then its answer, pass them.
        "flow": [call.node for call in calls(predictor.graph)],
        "nodes": {node.name: _node(overlay, node) for node in predictor.graph.walk()},
        **_requests(overlay, example, wrapped=wrapped),
    }


async def own_example(client: aiohttp.ClientSession, port: int) -> Any:
    """Return the request that a node's OpenAPI document shows: the model's input example, or one made from its signature.

    None where it shows none, as Seldon's own wrapper does.
    """
    try:
        async with client.get(f"http://{HOST}:{port}/seldon.json") as answer:
            return (await answer.json())["components"]["examples"]["request"]["value"]
    except (aiohttp.ClientError, ValueError, KeyError, TypeError):
        return None


def _requests(overlay: LocalOverlay, example: Any, *, wrapped: bool) -> dict[str, Any]:
    """Return a request by each protocol in which the deployment can be asked, its own first."""
    own = overlay.deployment.protocol
    spoken = [own] if overlay.calls or wrapped else [own, *(name for name in PROTOCOLS if name != own)]
    try:
        found = read_expected(overlay.folder)
        if found is None and isinstance(example, dict):
            found = Expectation(example, {})
        overlay.protocol  # noqa: B018  Raises where it is one that nothing here speaks.
        return {"requests": [_request(overlay, name, found) for name in spoken], "problem": ""}
    except GitopsError as error:
        return {"requests": [], "problem": str(error)}


def _request(overlay: LocalOverlay, name: str, found: Expectation | None) -> dict[str, Any]:
    protocol = protocols.protocol(name, overlay.predictor.graph.name)
    body, problem = None, ""
    if found is None:
        problem = "expected.json names no request, and the model shows none: write one"
    else:
        try:
            body = protocol.request(found)
        except BadExpectation as error:
            problem = str(error)
    path = f"{overlay.path}{protocol.predictions}"
    return {"protocol": name, "title": PROTOCOLS[name], "path": path, "body": body, "problem": problem}


def _node(overlay: LocalOverlay, node: Node) -> dict[str, Any]:
    pod = overlay.predictor.pod_of(node.name)
    containers = (*pod.init_containers, *pod.containers) if pod else ()
    image = next((container.image for container in containers if container.name == node.name), "")
    initializer = next((entry for entry in containers if entry.name == f"{node.name}-{INITIALIZER}"), None)
    found = {"type": node.type, "image": image, "containers": [container.name for container in containers]}
    if initializer is None:
        return {**found, "model": None}
    uri, digest = fetch_arguments(initializer)
    uri = shown(uri)
    try:
        return {**found, "model": {"uri": uri, "digest": digest, **_model(_folder(overlay, node), digest)}}
    except (GitopsError, ServerError) as error:
        return {**found, "model": {"uri": uri, "digest": digest, "problem": str(error)}}


def _folder(overlay: LocalOverlay, node: Node) -> Path:
    """Return the folder with a node's contract and lock: this overlay's, or for a graph of several the one of its name."""
    own = read_node(overlay.folder)
    return overlay.folder if own and own.node == node.name else overlay.folder.parent / node.name


def _model(folder: Path, digest: str) -> dict[str, Any]:
    """Return what the files of a node's ``folder`` say of the model with this digest.

    Raises:
        GitopsError, ServerError: one of them cannot be read, or the contract is another model's.
    """
    said, table = contract.read(folder), read_node(folder)
    if said is not None and said.digest != digest:
        raise BadManifest(
            f"{folder.name}/{contract.FILE} is of the model {said.digest}: promote this one again"
        )
    return {
        "from": shown(table.model_from) if table else "",
        "xtype": table.xtype if table else "",
        "contract": asdict(said) if said else None,
        "locked": list(_locked(folder)),
        "problem": "",
    }


def _locked(folder: Path) -> Iterator[str]:
    file = folder / requirements_lock.FILE
    if file.is_file():
        for entry in requirements_lock.read(file).requirements.entries:
            yield entry.shown
