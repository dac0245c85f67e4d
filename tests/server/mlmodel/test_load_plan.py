"""How a model is loaded, by its flavours and the MLflow that logged it, and what its methods get of a request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server import mlmodel
from server.errors import NotAModel
from server.mlmodel.load_plan import ARRAY, FRAME, LIST, InputType, code, input_type, methods, plan
from server.mlmodel.load_plan import PLANS as NATIVE_PLANS

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
FLAVORS = "flavors: {python_function: {code: code}}\n"


def typed_model(folder, inputs, flavor, more=""):
    signature = json.dumps({"inputs": json.dumps(inputs)} if inputs else {})
    (folder / "MLmodel").write_text(
        f"flavors: {{python_function: {{}}, {flavor}: {{}}}}\nsignature: {signature}\n{more}"
    )
    return mlmodel.read(folder)


@pytest.mark.parametrize(("inputs", "flavor", "auto", "ndarray", "frame"), FORMS.values(), ids=FORMS)
def test_the_signature_and_the_model_decide_and_xtype_where_both_make_sense(
    inputs, flavor, auto, ndarray, frame, tmp_path
):
    read = typed_model(tmp_path, inputs, flavor)
    assert [input_type(read, xtype) for xtype in ("auto", "ndarray", "DataFrame")] == [auto, ndarray, frame]


@pytest.mark.parametrize("xtype", ["auto", "ndarray", "DataFrame"])
def test_a_type_hint_wants_a_list(xtype, tmp_path):
    hinted = typed_model(
        tmp_path, [{"type": "string"}], "python_function", "is_signature_from_type_hint: true"
    )
    assert input_type(hinted, xtype) == LIST


def test_columns_that_are_called_by_numbers_are_so_in_a_dataframe(tmp_path):
    entries = [{"type": "double", "name": number} for number in (0, 1)]
    inputs = typed_model(tmp_path, entries, "sklearn").inputs
    assert inputs.names == ["0", "1"]
    assert inputs.labels == [0, 1]
    assert inputs.counted
    assert not typed_model(tmp_path, entries[::-1], "sklearn").inputs.counted


def model_with_code(folder: Path, text: str) -> mlmodel.Model:
    for name in ("src", "tools", "__pycache__"):
        (folder / "code" / name).mkdir(parents=True)
    (folder / "code" / "scaling.py").touch()
    (folder / "MLmodel").write_text(text)
    return mlmodel.read(folder)


@pytest.mark.parametrize(
    ("mlflow", "first", "last"),
    [
        # None is recorded before 1.25.
        ("", ["code"], ["code/src", "code/tools"]),
        ("1.25.1", ["code"], ["code/src", "code/tools"]),
        ("1.26.0", ["code", "code/src", "code/tools"], []),
        ("2.0.1", ["code", "code/src", "code/tools"], []),
        ("2.1.0", ["code"], []),
        ("3.17.0", ["code"], []),
        ("of ours", ["code"], ["code/src", "code/tools"]),
    ],
)
def test_folders_are_on_the_path_as_that_mlflow_has_them(
    tmp_path: Path, mlflow: str, first: list[str], last: list[str]
) -> None:
    text = FLAVORS + (f"mlflow_version: {mlflow}\n" if mlflow else "")
    assert code(model_with_code(tmp_path, text)) == {"first": first, "last": last}


def test_a_folder_that_is_not_there_is_on_the_path_alone(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(FLAVORS)
    assert code(mlmodel.read(tmp_path)) == {"first": ["code"], "last": []}


def test_a_model_without_code(tmp_path: Path) -> None:
    assert code(model_with_code(tmp_path, "flavors: {python_function: {code: null}, sklearn: {}}\n")) is None


def model(tmp_path, flavors, signature=None):
    signature = json.dumps({side: json.dumps(entries) for side, entries in (signature or {}).items()})
    (tmp_path / "MLmodel").write_text(f"flavors: {flavors}\nsignature: {signature}\n")
    return mlmodel.read(tmp_path)


def planned(tmp_path, flavors, signature=None, xtype="ndarray"):
    return plan(model(tmp_path, flavors, signature), xtype)


SKOPS = "sklearn: {pickled_model: model.skops, serialization_format: skops, skops_trusted_types: [a.B]}"
PLANS = {
    # Flavours as MLflow 3.17 writes them.
    "sklearn-skops": (
        "{python_function: {}, " + SKOPS + "}",
        {"loader": "skops", "trusted": ["a.B"], "path": "model.skops"},
    ),
    "sklearn-cloudpickle": (
        "{sklearn: {pickled_model: model.pkl, serialization_format: cloudpickle}}",
        {"loader": "pickle", "module": "cloudpickle", "path": "model.pkl"},
    ),
    "sklearn-without-a-format": (
        "{sklearn: {pickled_model: model.pkl, sklearn_version: 0.20.0}}",
        {"loader": "pickle", "module": "pickle", "path": "model.pkl"},
    ),
    "xgboost": (
        "{xgboost: {data: model.ubj, model_class: xgboost.sklearn.XGBClassifier, model_format: ubj}}",
        {"loader": "xgboost", "class": "xgboost.sklearn.XGBClassifier", "path": "model.ubj", "params": {}},
    ),
    "xgboost-before-1.22": (
        "{xgboost: {data: model.xgb, xgb_version: 1.4.2}}",
        {"loader": "xgboost", "class": "xgboost.core.Booster", "path": "model.xgb", "params": {}},
    ),
    "lightgbm-booster": (
        "{lightgbm: {data: model.lgb, model_class: lightgbm.basic.Booster}}",
        {"loader": "lightgbm", "path": "model.lgb"},
    ),
    "lightgbm-before-1.23": (
        "{lightgbm: {data: model.lgb, lgb_version: 3.2.1}}",
        {"loader": "lightgbm", "path": "model.lgb"},
    ),
    "lightgbm-estimator": (
        "{lightgbm: {data: model.pkl, model_class: lightgbm.sklearn.LGBMClassifier}}",
        {"loader": "pickle", "module": "cloudpickle", "path": "model.pkl"},
    ),
    "lightgbm-estimator-skops": (
        "{lightgbm: {data: model.skops, model_class: lightgbm.sklearn.LGBMRegressor, "
        "serialization_format: skops, skops_trusted_types: [collections.OrderedDict]}}",
        {"loader": "skops", "trusted": ["collections.OrderedDict"], "path": "model.skops"},
    ),
    "catboost": (
        "{catboost: {data: model.cb, model_type: CatBoostClassifier, save_format: cbm}}",
        {"loader": "catboost", "class": "catboost.CatBoostClassifier", "format": "cbm", "path": "model.cb"},
    ),
}


@pytest.mark.parametrize(("flavors", "loading"), PLANS.values(), ids=PLANS)
def test_known_flavours_are_loaded_natively(tmp_path, flavors, loading):
    assert planned(tmp_path, flavors) == {"code": None, "imports": [], **loading}


@pytest.mark.parametrize(
    "flavors",
    [
        "{sklearn: {pickled_model: m, code: code}}",
        "{sklearn: {pickled_model: m, code: null}, python_function: {code: code}}",
    ],
    ids=["in-the-flavour", "in-python_function"],
)
def test_the_models_code_is_where_either_flavour_says(tmp_path, flavors):
    assert planned(tmp_path, flavors)["code"] == {"first": ["code"], "last": []}


def test_any_other_flavour_is_loaded_by_mlflow(tmp_path):
    columns = [{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]
    flavors = "{onnx: {}, python_function: {code: code}}"
    assert planned(tmp_path, flavors, {"inputs": columns}) == {
        "loader": "pyfunc",
        "code": {"first": ["code"], "last": []},
        "imports": ["pandas"],
        "params": {},
    }


def test_pandas_is_imported_before_the_model_is_ready_where_requests_need_it(tmp_path):
    assert planned(tmp_path, "{python_function: {}}", xtype="DataFrame")["imports"] == ["pandas"]


def test_xgboost_gets_the_parameters_that_mlflow_would_give_it(tmp_path):
    flavors = "{xgboost: {data: model.ubj}}"
    params = [{"name": "output_margin", "type": "boolean", "default": True, "shape": None}]
    assert planned(tmp_path, flavors, {"params": params})["params"] == {"output_margin": True}


def test_predict_is_the_method_that_the_model_was_logged_with(tmp_path):
    stated = "python_function: {predict_fn: predict_proba}"
    native = model(tmp_path, "{sklearn: {pickled_model: m}, " + stated + "}")
    assert methods(native, "") == {
        "predict": ("predict_proba", "transform"),
        "transform_input": ("transform", "predict_proba"),
        "transform_output": ("transform", "predict_proba"),
    }
    assert methods(native, "predict")["predict"] == ("predict",)
    assert methods(model(tmp_path, "{" + stated + "}"), "")["predict"] == ("predict", "transform")


@pytest.mark.parametrize(
    ("flavors", "message"),
    [
        (
            "{spark: {}, mleap: {}}",
            "{folder}: flavours mleap, spark cannot be loaded: a model needs the flavour sklearn, xgboost, "
            "lightgbm, catboost or python_function; log it with one of them",
        ),
        (
            "{sklearn: {pickled_model: m, serialization_format: joblib}}",
            "{folder}/MLmodel: serialization_format 'joblib' is not known; it must be skops, "
            "pickle or cloudpickle",
        ),
        ("{sklearn: {}}", "{folder}/MLmodel: the flavour sklearn has no pickled_model; log the model again"),
        ("{xgboost: {}}", "{folder}/MLmodel: the flavour xgboost has no data; log the model again"),
    ],
    ids=["flavours", "format", "sklearn", "xgboost"],
)
def test_what_cannot_be_loaded_is_refused(tmp_path, flavors, message):
    with pytest.raises(NotAModel) as caught:
        planned(tmp_path, flavors)
    assert str(caught.value) == message.format(folder=tmp_path)


def test_every_native_flavour_has_a_plan():
    assert set(NATIVE_PLANS) == set(mlmodel.NATIVE)
