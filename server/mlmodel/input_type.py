"""The input type of a model's method, array, DataFrame or list: decided by its signature, its flavour and xtype."""

from __future__ import annotations

from dataclasses import dataclass

from server.mlmodel import Model


@dataclass(frozen=True)
class InputType:
    """The type of a method's argument.

    ``kind`` is "array", "frame" (a DataFrame), or "list" (a value of the type hint for each row). A ``strict`` frame
    takes nothing else than tables, with names where the signature has them; otherwise columns without names are taken in
    the signature's order, and what is no table goes as it is. Where it is ``nested`` a row is one value, which may be an
    array or an object itself.
    """

    kind: str
    strict: bool = False
    nested: bool = False

    @property
    def is_frame(self) -> bool:
        """Whether it is a DataFrame."""
        return self.kind == "frame"

    @property
    def shown(self) -> str:
        """What the method gets, as xtype and people call it."""
        return {"array": "ndarray", "frame": "DataFrame"}.get(self.kind, self.kind)


ARRAY, FRAME, LIST = InputType("array"), InputType("frame", strict=True), InputType("list", nested=True)


def input_type(model: Model, xtype: str) -> InputType:
    """Return the type in which ``model`` gets a request's values, ``xtype`` being auto, ndarray or DataFrame.

    xtype counts where both types make sense. A type hint wants a list; mlflow.pyfunc enforces a signature of named
    columns on DataFrames only; an array has one type for all its columns; and a tensor of more than two dimensions is no
    DataFrame.
    """
    inputs = model.inputs
    if model.hinted and inputs is not None:
        return LIST
    if inputs is None:
        frame = xtype == "DataFrame" or (xtype == "auto" and not model.native)
    elif inputs.tensors:
        table = len(inputs.tensors) == 1 and len(inputs.tensors[0].shape) < 3
        frame = xtype == "DataFrame" and model.native and table
    else:
        unlike = inputs.kind is None and len(inputs.columns) > 1
        by_mlflow = not model.native and (inputs.names is not None or inputs.nested is not None)
        chosen = xtype == "DataFrame" or (xtype == "auto" and (not model.native or inputs.names is not None))
        frame = chosen or unlike or by_mlflow
    return InputType(
        "frame" if frame else "array",
        # Columns that are called 0, 1, … are named by their order.
        strict=frame and xtype == "DataFrame" and not (inputs is not None and inputs.counted),
        nested=inputs is not None and inputs.nested is not None,
    )
