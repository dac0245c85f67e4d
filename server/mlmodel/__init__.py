"""The MLmodel file: flavours, signature, versions. Reads YAML; does not import mlflow.

Source: https://mlflow.org/docs/latest/ml/model/#storage-format
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from server.errors import NotAModel
from server.mlmodel.signature import Column, Schema, Tensor

FILE = "MLmodel"
# Flavours whose files are read without mlflow (server.mlmodel.load_plan).
NATIVE = ("sklearn", "xgboost", "lightgbm", "catboost")


@dataclass(frozen=True)
class Model:
    """An MLflow model folder as its MLmodel file describes it."""

    folder: Path
    flavors: dict[str, dict[str, Any]]
    inputs: Schema | None
    outputs: Schema | None
    params: list[dict[str, Any]]
    mlflow_version: str | None
    run_id: str | None
    model_uuid: str | None
    input_example: dict[str, Any] | None
    task: str | None = None
    # Whether the inputs are those of the type hint of a Python function: a list of values of its type.
    hinted: bool = False

    @property
    def chats(self) -> bool:
        """Whether the model takes one JSON object of messages, a prompt or the like, as MLflow's tasks have it."""
        loader = str(self.flavors.get("python_function", {}).get("loader_module"))
        return loader in _CHAT_LOADERS or (self.task or "").startswith(_CHAT_TASKS)

    @property
    def native(self) -> bool:
        """Whether it is loaded without mlflow.pyfunc."""
        return not self.flavors.keys().isdisjoint(NATIVE)

    @property
    def python_version(self) -> str | None:
        """Python version that the model was logged with, as in ``3.13.0``, or None."""
        recorded = self.flavors.get("python_function", {}).get("python_version")
        if recorded is not None:
            return str(recorded)
        python_env = self.folder / "python_env.yaml"
        if not python_env.is_file():
            return None
        text = _mapping(python_env).get("python")
        return None if text is None else str(text)


def read(folder: Path) -> Model:
    """Return what the MLmodel file of ``folder`` says.

    Raises:
        NotAModel: there is no MLmodel file, or it is not one.
    """
    path = folder / FILE
    if not path.is_file():
        raise NotAModel(
            f"no {FILE} file in {folder}: an MLflow model folder has one; "
            "give the folder that MLflow logged, not its parent or a file in it"
        )
    content = _mapping(path)
    flavors = content.get("flavors")
    if not isinstance(flavors, dict) or not flavors:
        raise NotAModel(
            f"{path}: must have flavors, a mapping with at least one flavour; log the model again"
        )
    signature = content.get("signature") or {}
    if not isinstance(signature, dict):
        raise NotAModel(f"{path}: signature must be a mapping with inputs and outputs; log the model again")
    return Model(
        folder=folder,
        flavors={name: dict(flavor or {}) for name, flavor in flavors.items()},
        inputs=_schema(path, "inputs", signature.get("inputs")),
        outputs=_schema(path, "outputs", signature.get("outputs")),
        params=_json(path, "params", signature.get("params")),
        mlflow_version=_text(content.get("mlflow_version")),
        run_id=_text(content.get("run_id")),
        model_uuid=_text(content.get("model_uuid")),
        input_example=content.get("saved_input_example_info"),
        task=_task(content.get("metadata")),
        hinted=content.get("is_signature_from_type_hint") is True,
    )


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506  a safe loader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NotAModel(
            f"{path}: is not YAML ({' '.join(str(error).split())}); log the model again"
        ) from error
    if not isinstance(content, dict):
        raise NotAModel(f"{path}: must be a mapping, is {type(content).__name__}; log the model again")
    return content


class _Loader(yaml.SafeLoader):
    """A safe loader that keeps versions such as 3.10 and times as the text they are."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":float", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _task(metadata: Any) -> str | None:
    return _text(metadata.get("task")) if isinstance(metadata, dict) else None


def _number(name: Any) -> int | float | None:
    return name if isinstance(name, int | float) else None


def _json(path: Path, side: str, text: Any) -> list[dict[str, Any]]:
    if text is None:
        return []
    try:
        entries = json.loads(text)
    except (ValueError, TypeError) as error:
        raise NotAModel(f"{path}: signature.{side} is not JSON text; log the model again") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise NotAModel(f"{path}: signature.{side} must be a JSON list of objects; log the model again")
    return entries


def _schema(path: Path, side: str, text: Any) -> Schema | None:
    entries = _json(path, side, text)
    if not entries:
        return None
    try:
        if entries[0].get("type") == "tensor":
            return Schema(
                tensors=tuple(
                    Tensor(
                        entry.get("name"),
                        entry["tensor-spec"]["dtype"],
                        tuple(int(length) for length in entry["tensor-spec"]["shape"]),
                    )
                    for entry in entries
                )
            )
        return Schema(
            columns=tuple(
                Column(
                    _text(entry.get("name")),
                    entry["type"] if entry["type"] in _SCALARS else dict(entry),
                    bool(entry.get("required", not entry.get("optional", False))),
                    _number(entry.get("name")),
                )
                for entry in entries
            )
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotAModel(
            f"{path}: signature.{side} has an entry without {error}; log the model again"
        ) from error


# MLflow's ChatModel, ChatAgent and ResponsesAgent, and the tasks that it notes in a model's metadata for them and for
# models of transformers: agent/v1/chat, agent/v2/chat, agent/v1/responses, llm/v1/chat, llm/v1/completions …
_CHAT_LOADERS = {f"mlflow.pyfunc.loaders.{name}" for name in ("chat_model", "chat_agent", "responses_agent")}
_CHAT_TASKS = ("agent/", "llm/v1/")
_SCALARS = {"boolean", "integer", "long", "float", "double", "string", "binary", "datetime"}
