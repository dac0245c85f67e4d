"""What a workflow is given where it is called or dispatched.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onworkflow_callinputs
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.workflows.expression.value import kind, to_number, to_string
from tests.workflows.workflow import BadWorkflow


def inputs_of(said: Mapping[str, Any], given: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the context ``inputs``: each that the workflow has, as given or by default, in its type.

    Raises:
        BadWorkflow: one is missing, unknown, or of another type.
    """
    if unknown := {*given} - {*said}:
        raise BadWorkflow(f"{path}: has no inputs {sorted(unknown)}")
    found = {}
    for name, about in said.items():
        about = about or {}
        if name not in given and about.get("required"):
            raise BadWorkflow(f"{path}: the input {name!r} is required")
        wanted = about.get("type", "string")
        value = given.get(name, about.get("default"))
        if value is None:
            value = {"boolean": False, "number": 0}.get(wanted, "")
        found[name] = _typed(name, value, about, wanted, path)
    return found


def _typed(name: str, value: Any, about: Mapping[str, Any], wanted: str, path: str) -> Any:
    if wanted == "boolean" and value in ("true", "false"):
        value = value == "true"
    elif wanted == "number" and isinstance(value, str):
        value = to_number(value)
    elif wanted in ("string", "choice", "environment"):
        if wanted == "choice" and value not in about["options"]:
            raise BadWorkflow(f"{path}: the input {name!r} is {value!r}: must be one of {about['options']}")
        return to_string(value)
    if kind(value) != wanted:
        raise BadWorkflow(f"{path}: the input {name!r} is {value!r}: must be a {wanted}")
    return value


def secrets_of(said: Mapping[str, Any], given: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the context ``secrets`` of a called workflow.

    Raises:
        BadWorkflow: one is missing or unknown.
    """
    if unknown := {*given} - {*said}:
        raise BadWorkflow(f"{path}: has no secrets {sorted(unknown)}")
    for name, about in said.items():
        if (about or {}).get("required") and not given.get(name):
            raise BadWorkflow(f"{path}: the secret {name!r} is required")
    return dict(given)
