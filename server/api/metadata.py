"""What a node says of its model at /metadata: derived from the MLmodel file, or as a metadata.yaml says.

Format: https://docs.seldon.io/projects/seldon-core/en/v1.17.1/reference/apis/metadata.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import yaml

from server.artifact.digest import model_digest
from server.mlmodel import Model
from server.mlmodel.signature import Schema

FILE = "metadata.yaml"
NUMBERS = {"double", "float", "long", "integer"}

log = logging.getLogger(__name__)


def metadata(model: Model, node: str, override: str) -> dict[str, Any]:
    """Return the metadata of a model: name, versions, platform, inputs, outputs and custom.

    What metadata.yaml in the model folder has counts before what the MLmodel file says, and ``override``
    (YAML text) before both. One that is broken is logged and passed over. The model's digest is always among the
    versions: by it, who asks knows which bytes are served.
    """
    natives = sorted(set(model.flavors) - {"python_function"})
    recorded = {
        "mlflow_version": model.mlflow_version,
        "run_id": model.run_id,
        "model_uuid": model.model_uuid,
        "python_version": model.python_version,
        "flavors": ",".join(sorted(model.flavors)),
    }
    digest = model_digest(model.folder)
    found: dict[str, Any] = {
        "name": node or model.folder.name,
        "versions": [digest],
        "platform": natives[0] if natives else "python_function",
        "inputs": _messages(model.inputs),
        "outputs": _messages(model.outputs),
        "custom": {key: value for key, value in recorded.items() if value},
    }
    path = model.folder / FILE
    if path.is_file():
        found |= _read(str(path), path.read_text(encoding="utf-8", errors="replace"))
    if override:
        found |= _read("MODEL_METADATA", override)
    if digest not in found["versions"]:
        found["versions"] = [*found["versions"], digest]
    return found


def _messages(schema: Schema | None) -> list[dict[str, Any]]:
    if schema is None:
        return []
    if schema.tensors:
        return [
            {"messagetype": "tensor", "schema": {"names": [tensor.name or ""], "shape": list(tensor.shape)}}
            for tensor in schema.tensors
        ]
    numeric = all(column.type in NUMBERS for column in schema.columns if isinstance(column.type, str))
    numeric = numeric and all(isinstance(column.type, str) for column in schema.columns)
    shape = [-1, len(schema.columns)]
    return [
        {
            "messagetype": "tensor" if numeric else "ndarray",
            "schema": {"names": schema.names or [], "shape": shape},
        }
    ]


def _read(origin: str, text: str) -> dict[str, Any]:
    """Return what a metadata file says, or nothing, with a line in the log, if it is broken."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        log.error("%s is passed over: it is not YAML (%s)", origin, " ".join(str(error).split()))
        return {}
    if not isinstance(content, dict):
        log.error("%s is passed over: it must be a mapping, is %s", origin, type(content).__name__)
        return {}
    for key, value in content.items():
        fits, rule = _RULES.get(key, (_never, f"known; known are {', '.join(_RULES)}"))
        if not fits(value):
            log.error("%s is passed over: %s must be %s", origin, key, rule)
            return {}
    return content


def _never(_: Any) -> bool:
    return False


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_messages(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _is_custom(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, [*value, *value.values()]))


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, "a string"),
    "versions": (_is_texts, "a list of strings"),
    "platform": (_is_text, "a string"),
    "inputs": (_is_messages, "a list of mappings"),
    "outputs": (_is_messages, "a list of mappings"),
    "custom": (_is_custom, "a mapping of strings to strings"),
}
