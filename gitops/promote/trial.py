"""Running a model once, in its environment, on the input example that was logged with it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gitops.errors import NoExample
from gitops.local import host
from gitops.manifests import Node, Parameter
from server import mlmodel
from server.edges.local.client import Client
from server.errors import BadData
from server.example import example
from server.expectation import TOLERANCE
from server.node import ROLES
from server.protocol.decode import decode
from server.protocol.encode import encode
from server.setting import PARAMETERS

# A longer example would make the file, and with it the smoke test's request, as long.
ROWS = 10
# Variables of what downloads packages, whose indexes may ask for a password.
_PACKAGES = ("UV_", "PIP_", "NETRC")
_INNERMOST = re.compile(r"\[\n\s*([^\[\]{}]*?)\n\s*\]")
_BREAK = re.compile(r"\n\s*")


def request(model: Path, uri: str) -> dict[str, Any]:
    """Return the first rows of the model's input example as a Seldon message, or a chat's whole one.

    Raises:
        NoExample: it has none that is a table, or a chat's object.
        NotAModel: the folder is no model.
    """
    found = example(mlmodel.read(model))
    if found is not None and "jsonData" in found:
        return found
    if found is None or not found["data"]["ndarray"]:
        raise NoExample(
            f"{uri}: has no input example that is a table, so nothing says what it must answer; log it again with "
            "input_example=…, a DataFrame or an array of a few rows; nothing is changed"
        )
    data = found["data"]
    return {"data": {**data, "ndarray": data["ndarray"][:ROWS]}}


def answer(folder: Path, uri: str, node: Node, message: dict[str, Any]) -> dict[str, Any]:
    """Return what the model in ``folder``/model, from ``uri``, answers to ``message`` as the graph node ``node``, less its meta.

    It runs in ``folder``/environment.

    Raises:
        NoExample: the message does not fit the model's signature.
        ServerError: the model cannot be loaded, or the call fails.
    """
    request = decode(message)
    client = Client({**clean(os.environ), **_variables(node, folder / "model")}, folder / "environment")
    try:
        client.load()
        body = encode(request, *client.answer(ROLES[node.type], request))
    except BadData as error:
        raise NoExample(
            f"{uri}: refuses its own input example: {error}; log it again with one that fits its signature; nothing is "
            "changed"
        ) from error
    finally:
        client.close()
    answered: dict[str, Any] = json.loads(body)
    return {key: value for key, value in answered.items() if key != "meta"}


def clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the model's process gets of ``environ``: no credentials, of its store or of a package index."""
    return {
        name: value
        for name, value in host.settings(environ).items()
        if not name.upper().startswith(_PACKAGES)
    }


def text(request: dict[str, Any], response: dict[str, Any], tolerance: float) -> str:
    """Return expected.json: JSON with a row in a line, and with the tolerance where it is not the usual one."""
    content: dict[str, Any] = {"request": request, "response": response}
    if tolerance != TOLERANCE:
        content["tolerance"] = tolerance
    indented = json.dumps(content, indent=2, ensure_ascii=False)
    return _INNERMOST.sub(lambda match: f"[{_BREAK.sub(' ', match[1])}]", indented) + "\n"


def _variables(node: Node, model: Path) -> dict[str, str]:
    """Return what the operator would give the container, with the model's folder in place of the mount."""
    kept: Sequence[Parameter] = [entry for entry in node.parameters if entry.name != "model_uri"]
    listed = [{"name": entry.name, "value": entry.value, "type": entry.type} for entry in kept]
    listed.append({"name": "model_uri", "value": str(model), "type": "STRING"})
    return {PARAMETERS: json.dumps(listed), "SERVICE_TYPE": node.type, "PREDICTIVE_UNIT_ID": node.name}
