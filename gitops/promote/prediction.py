"""Running a model in its environment on a request, twice: its answer, and what differs between the two."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import NoExample
from gitops.local import environment
from gitops.local.answers import BETWEEN_SECONDS
from gitops.manifests.seldondeployment import Node, Parameter
from gitops.promote.example import ExampleRequest
from server import mlmodel
from server.api.node import ROLES
from server.component_process.client import NodeClient
from server.errors import BadData
from server.mlmodel import Model
from server.mlmodel.load_plan import input_type
from server.pins import expectation
from server.protocol.json_codec import decode, encode
from server.schema.arguments import arguments
from server.schema.json_data import tabled
from server.settings_loader import PARAMETERS

# Variables of what downloads packages, whose indexes may ask for a password.
_PACKAGES = ("UV_", "PIP_", "NETRC")
XTYPES = ("auto", "ndarray", "DataFrame")
_INNERMOST = re.compile(r"\[\n\s*([^\[\]{}]*?)\n\s*\]")
_BREAK = re.compile(r"\n\s*")


@dataclass(frozen=True)
class Prediction:
    """What a model answers, less its meta, and the places of it that differ in the answer to the same request."""

    response: dict[str, Any]
    varies: list[str]


def predict(
    folder: Path, uri: str, node: Node, example: ExampleRequest, tolerance: float
) -> Prediction | None:
    """Return what the model in ``folder``/model, from ``uri``, answers to ``example`` as the graph node ``node``.

    It runs in ``folder``/environment. Where nothing is asked it is loaded, no more. Numbers that differ by ``tolerance``
    are the same.

    Raises:
        NoExample: the message does not fit the model's signature.
        ServerError: the model cannot be loaded, or the call fails.
    """
    client = NodeClient(
        {**without_credentials(os.environ), **_variables(node, folder / "model")}, folder / "environment"
    )
    try:
        client.load()
        if example.message is None:
            return None
        first = _call(client, node, example.message)
        time.sleep(BETWEEN_SECONDS)
        second = _call(client, node, example.message)
    except BadData as error:
        raise NoExample(
            f"{uri}: refuses {example.origin}: {error}; {advice(folder / 'model', node, example)}; nothing is changed"
        ) from error
    finally:
        client.close()
    return compared(first, second, tolerance)


def compared(first: dict[str, Any], second: dict[str, Any], tolerance: float) -> Prediction:
    """Return the first of two answers to one request, less its meta, and where the second differs from it."""
    response = {key: value for key, value in first.items() if key != "meta"}
    varies = [
        place
        for key, value in response.items()
        for place in expectation.places(value, second.get(key), key, tolerance)
    ]
    return Prediction(response, varies)


def advice(model: Path, node: Node, example: ExampleRequest) -> str:
    """Return the fix for a refused request; it names another xtype only where that accepts the request."""
    hint = (
        "log it again with an input example that fits its signature, or give a request by EXAMPLE=file.json"
    )
    now = next((entry.value for entry in node.parameters if entry.name == "xtype"), "")
    read = mlmodel.read(model)
    if example.message is None or read.chats:
        return hint
    takers = [xtype for xtype in XTYPES if _takes(read, xtype, example.message)]
    return (
        f"set xtype: {takers[0]} in node.yaml, which takes it, or {hint}"
        if takers and now not in takers
        else hint
    )


def _takes(model: Model, xtype: str, message: dict[str, Any]) -> bool:
    chosen = input_type(model, xtype)
    try:
        arguments(tabled(decode(message), nested=chosen.nested), model.inputs, chosen)
    except BadData:
        return False
    return True


def _call(client: NodeClient, node: Node, message: dict[str, Any]) -> dict[str, Any]:
    request = decode(message)
    answered: dict[str, Any] = json.loads(encode(request, *client.answer(ROLES[node.type], request)))
    return answered


def without_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the model's process gets of ``environ``: no credentials, of its store or of a package index."""
    return {
        name: value
        for name, value in environment.host_variables(environ).items()
        if not name.upper().startswith(_PACKAGES)
    }


def expected_json(
    request: dict[str, Any] | None, answered: Prediction | None, tolerance: float, models: Mapping[str, str]
) -> str:
    """Return expected.json: JSON with a row in a line, with the tolerance where it is not the usual one, and what varies.

    ``models`` are the digests of those that answered, by graph node.
    """
    content: dict[str, Any] = {"request": request, "response": answered.response if answered else None}
    if answered:
        content[expectation.MODELS] = dict(models)
    if answered and answered.varies:
        content["varies"] = answered.varies
    if tolerance != expectation.TOLERANCE:
        content["tolerance"] = tolerance
    indented = json.dumps(content, indent=2, ensure_ascii=False)
    return _INNERMOST.sub(lambda match: f"[{_BREAK.sub(' ', match[1])}]", indented) + "\n"


def _variables(node: Node, model: Path) -> dict[str, str]:
    """Return what the operator would give the container, with the model's folder in place of the mount."""
    kept: Sequence[Parameter] = [entry for entry in node.parameters if entry.name != "model_uri"]
    listed = [{"name": entry.name, "value": entry.value, "type": entry.type} for entry in kept]
    listed.append({"name": "model_uri", "value": str(model), "type": "STRING"})
    return {PARAMETERS: json.dumps(listed), "SERVICE_TYPE": node.type, "PREDICTIVE_UNIT_ID": node.name}
