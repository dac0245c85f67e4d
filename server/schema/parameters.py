"""The parameters of a call: those of the signature that a request gives a value.

Source: https://mlflow.org/docs/latest/ml/model/signatures/#model-signatures-with-inference-parameters
"""

from __future__ import annotations

from typing import Any

from server.errors import BadData
from server.schema.column_order import listed
from server.schema.nested_types import fit
from server.schema.scalar_types import Misfit


def parameters(
    given: dict[str, Any], known: list[dict[str, Any]], field: str = "jsonData.params"
) -> dict[str, Any]:
    """Return ``given`` with values of the types that the signature's parameters ``known`` have.

    What is not given has its default, which the model's process knows. null stands for no value. ``field`` is what messages
    call them.

    Raises:
        BadData: the signature has no such parameter, or the value is not of its type.
    """
    if not given:
        return {}
    by_name = {entry["name"]: entry for entry in known}
    unknown = [name for name in given if name not in by_name]
    if unknown:
        has = f"the parameters {listed(by_name)}" if by_name else "no parameters"
        raise BadData(f"{field} has unknown {listed(unknown)}: the model's signature has {has}")
    return {name: _value(value, by_name[name], field) for name, value in given.items()}


def _value(value: Any, entry: dict[str, Any], field: str) -> Any:
    kind = entry if "properties" in entry else {"type": entry["type"]}
    if entry.get("shape"):
        kind = {"type": "array", "items": kind}
    try:
        return fit(value, kind, required=False)
    except Misfit as misfit:
        raise BadData(f"{field}.{entry['name']}{misfit}") from misfit
