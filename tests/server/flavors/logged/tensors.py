"""An ONNX model, which mlflow.pyfunc loads: its input and output are tensors.

python tensors.py DEST REQUIREMENT…
"""

from __future__ import annotations

import sys
from pathlib import Path

import mlflow.onnx
import mlflow.pyfunc
import numpy as np
import onnx
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from onnx import TensorProto, helper
from record import Record

WEIGHTS = np.array([[0.5, -1.0], [2.0, 0.25], [1.0, 1.0]], dtype=np.float32)
ROWS = np.array([[1.0, 2.0, 3.0], [0.5, 0.0, -1.0]], dtype=np.float32)


def model() -> onnx.ModelProto:
    """Return a model that multiplies rows of three by WEIGHTS."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["rows", "weights"], ["scores"])],
        "scores",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 2])],
        [onnx.numpy_helper.from_array(WEIGHTS, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def main(dest: Path, requirements: list[str]) -> None:
    """Log the model with an unnamed tensor as its signature, and with a named one."""
    for name, spec in {"onnx": None, "onnx_named": "rows"}.items():
        folder = dest / name
        inputs = Schema([TensorSpec(np.dtype("float32"), (-1, 3), spec)])
        mlflow.onnx.save_model(
            model(), str(folder), signature=ModelSignature(inputs=inputs), pip_requirements=requirements
        )
        record = Record(folder)
        sent = ROWS if spec is None else {spec: ROWS}
        answer = mlflow.pyfunc.load_model(str(folder)).predict(sent)["scores"]
        record.add({"ndarray": ROWS.tolist()}, {"scores": answer.tolist()})
        record.add(
            {"tensor": {"shape": [2, 3], "values": ROWS.ravel().tolist()}}, {"scores": answer.tolist()}
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
