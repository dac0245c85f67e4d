"""A request with one input that goes to mlflow.pyfunc as it is: of chats, agents and whatever answers in parts.

As MLflow's scoring server has it, a JSON object is the input itself, without those of its fields that are parameters of
the signature (``_split_data_and_params_for_llm_input`` of mlflow/pyfunc/scoring_server/__init__.py, MLflow 3).
"""

from __future__ import annotations

from typing import Any

from server.errors import BadData
from server.mlmodel import Model
from server.mlmodel.load_plan import FRAME
from server.mlmodel.signature import Schema
from server.schema.arguments import Arguments, arguments, parameters
from server.schema.columns import listed
from server.schema.data_types import Misfit, fit
from server.schema.json_arrays import mapping, shown
from server.schema.json_data import FORMS, tabled
from server.schema.request import ARRAYS, Request

# Where one of these is in an object, it is in none of MLflow's other forms (mlflow/pyfunc/utils/serving_data_parser.py).
KEYS = {"messages", "prompt", "input"}
INPUTS = {"inputs", "params"}


def is_single(request: Request) -> bool:
    """Return whether a request is a JSON object that is in none of MLflow's other forms."""
    value = request.values
    if request.kind != "jsonData" or not isinstance(value, dict):
        return False
    return bool(value.keys() & KEYS) or not value.keys() & FORMS.keys()


def single(request: Request, model: Model) -> tuple[Arguments, dict[str, Any]]:
    """Return the argument for ``request`` and the parameters that it gives.

    A table, which has names then, goes as a DataFrame; MLflow takes its only row.

    Raises:
        BadData: a field is missing that the signature requires, or one is not of its type.
    """
    value, params = request.values, request.params
    if is_single(request):
        known = {entry["name"] for entry in model.params}
        params = {name: given for name, given in value.items() if name in known}
        value = {name: given for name, given in value.items() if name not in known}
    elif isinstance(value, dict) and isinstance(value.get("inputs"), dict) and value.keys() <= INPUTS:
        params = mapping(request.params_field, value.get("params") or {})
        value = value["inputs"]
    elif request.kind in ARRAYS or isinstance(value, dict):
        request = tabled(request)
        return arguments(request, model.inputs, FRAME), parameters(
            request.params, model.params, request.params_field
        )
    if model.inputs is not None and model.inputs.names and model.inputs.columns:
        value = _fitted(request.values_field, value, model.inputs)
    return Arguments("value", [value]), parameters(params, model.params, request.params_field)


def _fitted(what: str, value: Any, inputs: Schema) -> dict[str, Any]:
    """Return an object with its fields as the types of the signature; others are left to MLflow, which leaves them out."""
    required = [column.name for column in inputs.columns if column.required]
    if not isinstance(value, dict):
        raise BadData(f"{what} is {shown(value)}: it must be an object with {listed(required)}")
    missing = [name for name in required if name not in value]
    if missing:
        raise BadData(
            f"{what} lacks {listed(missing)}: the model's signature has the fields {listed(inputs.names or [])}"
        )
    fitted = dict(value)
    for column in inputs.columns:
        if column.name in value:
            try:
                fitted[column.name] = fit(value[column.name], column.type, required=column.required)
            except Misfit as misfit:
                raise BadData(f"{what}.{column.name}{misfit}") from misfit
    return fitted
