"""Which class a saved estimator is of, compared with the libraries themselves."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import cloudpickle
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import all_estimators

from server import mlmodel
from server.mlmodel.estimator import estimator, methods
from tests.server.artifact.fetching import MODEL


@pytest.fixture
def model(tmp_path):
    """A copy of the iris model."""
    return Path(shutil.copytree(MODEL, tmp_path / "iris", copy_function=shutil.copyfile))


@pytest.fixture
def read(model):
    """Return what the iris model's MLmodel says, with other flavours."""
    return lambda **flavors: replace(mlmodel.read(model), flavors=flavors)


def test_skops():
    model = mlmodel.read(MODEL)
    assert estimator(model) == "sklearn.svm._classes.SVC"
    assert methods(model) == ["predict", "decision_function"]
    scaler = mlmodel.read(MODEL.parent / "iris_preprocessor_model")
    assert estimator(scaler) == "sklearn.preprocessing._data.StandardScaler"
    assert methods(scaler) == ["transform"]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("library", [pickle, cloudpickle])
@pytest.mark.parametrize(
    "fitted",
    [SVC().fit([[0], [1]], [0, 1]), make_pipeline(StandardScaler(), LogisticRegression())],
    ids=lambda fitted: type(fitted).__name__,
)
def test_pickles(model, read, fitted, library, protocol):
    (model / "model.pkl").write_bytes(library.dumps(fitted, protocol=protocol))
    found = read(sklearn={"pickled_model": "model.pkl", "serialization_format": library.__name__})
    assert estimator(found) == f"{type(fitted).__module__}.{type(fitted).__name__}"


def test_an_old_pickle_with_new_names(model, read):
    (model / "model.pkl").write_bytes(pickle.dumps(SVC(), protocol=0, fix_imports=False))
    assert estimator(read(sklearn={"pickled_model": "model.pkl"})) == "sklearn.svm._classes.SVC"


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"\x80\x04", pickle.dumps([1, 2]), cloudpickle.dumps(lambda x: x)]
)
@pytest.mark.parametrize("form", ["pickle", "skops"])
def test_files_that_tell_nothing(model, read, body, form):
    (model / "model.pkl").write_bytes(body)
    assert estimator(read(sklearn={"pickled_model": "model.pkl", "serialization_format": form})) is None


FLAVORS = {
    "xgboost": (
        {"xgboost": {"model_class": "xgboost.sklearn.XGBClassifier"}, "python_function": {}},
        "xgboost.sklearn.XGBClassifier",
        ["predict", "predict_proba"],
    ),
    "booster": (
        {"lightgbm": {"model_class": "lightgbm.basic.Booster"}, "python_function": {}},
        "lightgbm.basic.Booster",
        ["predict"],
    ),
    "catboost": (
        {"catboost": {"model_type": "CatBoostClassifier"}, "python_function": {}},
        "CatBoostClassifier",
        ["predict", "predict_proba"],
    ),
    "python function": ({"python_function": {"loader_module": "mlflow.pyfunc.model"}}, None, ["predict"]),
    "another default": (
        {"sklearn": {}, "python_function": {"predict_fn": "predict_proba"}},
        None,
        ["predict_proba", "predict"],
    ),
}


@pytest.mark.parametrize(("flavors", "name", "expected"), FLAVORS.values(), ids=FLAVORS)
def test_flavors(read, flavors, name, expected):
    model = read(**flavors)
    assert (estimator(model), methods(model)) == (name, expected)


def test_no_method_is_promised_that_a_class_of_scikit_learn_has_not(model, read):
    promised = []
    for name, kind in all_estimators():
        (model / "model.pkl").write_bytes(pickle.dumps(kind))
        found = methods(read(sklearn={"pickled_model": "model.pkl"}, python_function={}))
        promised += [(name, method) for method in found[1:] if not hasattr(kind, method)]
    assert promised == []
