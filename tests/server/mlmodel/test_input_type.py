"""What a model's method gets of a request."""

from __future__ import annotations

import json

import pytest

from server import mlmodel
from server.mlmodel.load_plan import ARRAY, FRAME, LIST, InputType, input_type

NAMED = [{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]
UNNAMED = [{"type": "double"}, {"type": "double"}]
UNLIKE = [{"type": "double"}, {"type": "long"}]
MAPS = [{"type": "map", "values": {"type": "double"}}]
VECTOR = [{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]
CUBE = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2, 2]}}]
LENIENT = InputType("frame")
# By inputs and flavour, what the method gets with xtype auto, ndarray and DataFrame.
FORMS = {
    "named": (NAMED, "sklearn", LENIENT, ARRAY, FRAME),
    "named-pyfunc": (NAMED, "python_function", LENIENT, LENIENT, FRAME),
    "unnamed": (UNNAMED, "sklearn", ARRAY, ARRAY, FRAME),
    "unnamed-pyfunc": (UNNAMED, "python_function", LENIENT, ARRAY, FRAME),
    "unlike": (UNLIKE, "lightgbm", LENIENT, LENIENT, FRAME),
    "unlike-pyfunc": (UNLIKE, "python_function", LENIENT, LENIENT, FRAME),
    "nested-pyfunc": (
        MAPS,
        "python_function",
        *[InputType("frame", nested=True)] * 2,
        InputType("frame", strict=True, nested=True),
    ),
    "vector": (VECTOR, "sklearn", ARRAY, ARRAY, FRAME),
    "vector-pyfunc": (VECTOR, "python_function", ARRAY, ARRAY, ARRAY),
    "cube": (CUBE, "sklearn", ARRAY, ARRAY, ARRAY),
    "none": (None, "xgboost", ARRAY, ARRAY, FRAME),
    "none-pyfunc": (None, "python_function", LENIENT, ARRAY, FRAME),
}


def model(folder, inputs, flavor, more=""):
    signature = json.dumps({"inputs": json.dumps(inputs)} if inputs else {})
    (folder / "MLmodel").write_text(
        f"flavors: {{python_function: {{}}, {flavor}: {{}}}}\nsignature: {signature}\n{more}"
    )
    return mlmodel.read(folder)


@pytest.mark.parametrize(("inputs", "flavor", "auto", "ndarray", "frame"), FORMS.values(), ids=FORMS)
def test_the_signature_and_the_model_decide_and_xtype_where_both_make_sense(
    inputs, flavor, auto, ndarray, frame, tmp_path
):
    read = model(tmp_path, inputs, flavor)
    assert [input_type(read, xtype) for xtype in ("auto", "ndarray", "DataFrame")] == [auto, ndarray, frame]


@pytest.mark.parametrize("xtype", ["auto", "ndarray", "DataFrame"])
def test_a_type_hint_wants_a_list(xtype, tmp_path):
    hinted = model(tmp_path, [{"type": "string"}], "python_function", "is_signature_from_type_hint: true")
    assert input_type(hinted, xtype) == LIST


def test_columns_that_are_called_by_numbers_are_so_in_a_dataframe(tmp_path):
    entries = [{"type": "double", "name": number} for number in (0, 1)]
    inputs = model(tmp_path, entries, "sklearn").inputs
    assert inputs.names == ["0", "1"]
    assert inputs.labels == [0, 1]
    assert inputs.counted
    assert not model(tmp_path, entries[::-1], "sklearn").inputs.counted
