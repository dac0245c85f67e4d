"""One request held to one signature, by MLflow and by this server: what each makes of it."""

from __future__ import annotations

import base64
import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models.utils import _enforce_params_schema, _enforce_schema
from mlflow.types import ParamSchema, Schema

from server import mlmodel
from server.errors import BadData
from server.ipc import wire
from server.mlmodel.load_plan import input_type
from server.protocol.json_codec import decode
from server.schema.arguments import arguments, parameters
from server.schema.json_data import tabled
from server.worker.argument import argument

ACCEPTS, REFUSES = "accepts", "refuses"


@dataclass(frozen=True)
class Outcome:
    """What became of a request: the argument that the model gets, or the words with which it was refused."""

    verdict: str
    argument: Any = None
    words: str = ""

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Outcome)
            and self.verdict == other.verdict
            and same(self.argument, other.argument)
        )

    __hash__ = None


def by_mlflow(entries: list[dict[str, Any]], message: dict[str, Any]) -> Outcome:
    """Return what mlflow.pyfunc makes of a request that its scoring server would have read from JSON.

    That reads times and bytes of a column, which JSON has no form for, and leaves the other types to the
    signature's enforcement.
    """
    schema = Schema.from_json(json.dumps(entries))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Outcome(ACCEPTS, _enforce_schema(_read(schema, message), schema))
    except Exception as error:  # noqa: BLE001  any exception is its way to refuse
        return Outcome(REFUSES, words=f"{type(error).__name__}: {error}")


def _read(schema: Schema, message: dict[str, Any]) -> Any:
    if "jsonData" in message:
        return message["jsonData"]
    if "strData" in message:
        return message["strData"]
    data = message["data"]
    if "tensor" in data:
        return np.array(data["tensor"]["values"]).reshape(data["tensor"]["shape"])
    if schema.is_tensor_spec() and "names" not in data:
        return np.array(data["ndarray"])
    frame = pd.DataFrame(data["ndarray"], columns=data.get("names"))
    for column, spec in zip(
        schema.input_names() if schema.has_input_names() else frame.columns, schema.inputs, strict=False
    ):
        name = str(getattr(spec, "type", ""))
        if column in frame and name == "DataType.binary":
            frame[column] = frame[column].map(_decoded)
        if column in frame and name == "DataType.datetime" and all(map(_is_text, frame[column])):
            parsed = pd.to_datetime(frame[column])
            frame[column] = parsed.dt.as_unit("ns")
    return frame


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or pd.isna(value)


def _decoded(text: Any) -> Any:
    return base64.decodebytes(bytes(text, "utf8")) if isinstance(text, str) else text


def here(entries: list[dict[str, Any]], message: dict[str, Any], xtype: str, folder: Path) -> Outcome:
    """Return what this server makes of the same request: its answer, or the argument that the model's process gets."""
    text = json.dumps(json.dumps(entries))
    (folder / "MLmodel").write_text(f"flavors: {{sklearn: {{}}}}\nsignature: {{inputs: {text}}}\n")
    model = mlmodel.read(folder)
    wanted = input_type(model, xtype)
    try:
        call = arguments(tabled(decode(message), nested=wanted.nested), model.inputs, wanted)
    except BadData as error:
        return Outcome(REFUSES, words=str(error))
    frame = b"".join(bytes(buffer) for buffer in wire.pack(call.header, call.values))
    size, _ = wire.PREFIX.unpack(frame[: wire.PREFIX.size])
    header = json.loads(frame[wire.PREFIX.size : wire.PREFIX.size + size])
    return Outcome(ACCEPTS, argument(header, wire.unpack(header, frame[wire.PREFIX.size + size :])))


def parameters_by_mlflow(known: list[dict[str, Any]], given: dict[str, Any]) -> Outcome:
    """Return what mlflow.pyfunc makes of a request's parameters."""
    try:
        return Outcome(ACCEPTS, _enforce_params_schema(dict(given), ParamSchema.from_json(json.dumps(known))))
    except Exception as error:  # noqa: BLE001  any exception is its way to refuse
        return Outcome(REFUSES, words=f"{type(error).__name__}: {error}")


def parameters_here(known: list[dict[str, Any]], given: dict[str, Any]) -> Outcome:
    """Return what this server makes of them, with the defaults that the model's process adds."""
    try:
        return Outcome(
            ACCEPTS, {**{entry["name"]: entry["default"] for entry in known}, **parameters(given, known)}
        )
    except BadData as error:
        return Outcome(REFUSES, words=str(error))


def same(one: Any, other: Any) -> bool:
    """Return whether two arguments are equal: types and values, NaN being equal to itself."""
    if isinstance(one, pd.DataFrame) or isinstance(other, pd.DataFrame):
        return (
            isinstance(one, pd.DataFrame)
            and isinstance(other, pd.DataFrame)
            and list(one.columns) == list(other.columns)
            and all(_same_column(one.iloc[:, i], other.iloc[:, i]) for i in range(len(one.columns)))
        )
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        one, other = np.asarray(one), np.asarray(other)
        return one.dtype == other.dtype and one.shape == other.shape and same(one.tolist(), other.tolist())
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, bool | np.bool_) != isinstance(other, bool | np.bool_):
        return False
    return bool(one == other)


def _same_column(one: pd.Series, other: pd.Series) -> bool:
    return one.dtype == other.dtype and same(
        one.astype(object).where(one.notna(), None).tolist(),
        other.astype(object).where(other.notna(), None).tolist(),
    )
