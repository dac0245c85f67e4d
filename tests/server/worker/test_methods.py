"""The methods by which a loaded model is called."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from server import mlmodel
from server.mlmodel.load_plan import methods, plan
from server.worker.load import load
from server.worker.methods import method

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of its own type hints.
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature

# What it says of saving pickles, and of hints that a model lacks, is no concern of this server.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
CODE = "def double(value):\n    return 2 * value\n"


def custom_model():
    """Return a model with code, an artifact and methods of its own."""

    class Custom(mlflow.pyfunc.PythonModel):
        def load_context(self, context):
            with open(context.artifacts["offset"]) as file:  # noqa: PTH123
                self.offset = float(file.read())

        def predict(self, context, model_input, params=None):
            from flavor_code_of_the_model import double

            return double(model_input["a"]) + self.offset + (params or {}).get("more", 0)

        def explain(self, context, model_input):
            return np.array([[float(context is not None), *model_input.iloc[0]]])

        def describe(self, model_input, params):
            return params

        def predict_plainly(self, model_input, top=1):
            return model_input.to_numpy()[:, :top]

    return Custom()


@pytest.fixture(scope="module")
def custom(tmp_path_factory):
    """A python model's folder, with code_paths and parameters."""
    folder = tmp_path_factory.mktemp("custom")
    (folder / "flavor_code_of_the_model.py").write_text(CODE)
    (folder / "offset.txt").write_text("0.5")
    with pytest.warns(UserWarning, match="Add type hints"):
        python_model = custom_model()
    mlflow.pyfunc.save_model(
        folder / "model",
        python_model=python_model,
        code_paths=[str(folder / "flavor_code_of_the_model.py")],
        artifacts={"offset": str(folder / "offset.txt")},
        signature=infer_signature(FRAME, params={"more": 10}),
        pip_requirements=["mlflow-skinny"],
    )
    return folder / "model"


def loaded(folder):
    planned = plan(mlmodel.read(folder), "DataFrame")
    return load(str(folder), planned), planned


def test_predict_of_a_python_model_gets_what_mlflow_gives_it(custom):
    model, planned = loaded(custom)
    name, predict = method(model, planned, ["predict", "transform"])
    assert name == "predict"
    expected = mlflow.pyfunc.load_model(str(custom)).predict(FRAME)
    assert predict(FRAME, {}).tolist() == expected.tolist() == [12.5, 14.5]


def test_parameters_reach_a_python_model(custom):
    model, planned = loaded(custom)
    _, predict = method(model, planned, ["predict"])
    assert predict(FRAME, {"more": 1}).tolist() == [3.5, 5.5]
    _, described = method(model, planned, ["describe"])
    assert described(FRAME, {}) == {"more": 10}
    assert described(FRAME, {"more": 1}) == {"more": 1}


def test_another_method_reaches_the_python_model_with_its_context(custom):
    model, planned = loaded(custom)
    _, explain = method(model, planned, ["explain"])
    assert explain(FRAME, {}).tolist() == [[1.0, 1.0, 3.0]]
    _, plainly = method(model, planned, ["predict_plainly"])
    assert plainly(FRAME, {}).tolist() == [[1.0], [2.0]]


def test_another_method_reaches_the_flavours_own_model(tmp_path):
    estimator = LogisticRegression().fit(FRAME, [0, 1])
    mlflow.sklearn.save_model(
        estimator, tmp_path / "model", serialization_format="cloudpickle", pip_requirements=[]
    )
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    _, proba = method(model, {"loader": "pyfunc"}, ["predict_proba"])
    np.testing.assert_array_equal(proba(FRAME, {}), estimator.predict_proba(FRAME))


def test_a_missing_method_is_refused_with_those_that_are_there(custom):
    model, planned = loaded(custom)
    with pytest.raises(AttributeError) as caught:
        method(model, planned, ["transform", "score"])
    assert str(caught.value) == (
        "PyFuncModel has no method transform or score; it has predict, predict_plainly, predict_stream: "
        "set the parameter predict_method to one of them"
    )


def test_an_estimator_is_called_by_the_method_that_it_was_logged_with(tmp_path):
    estimator = LogisticRegression().fit(FRAME, [0, 1])
    mlflow.sklearn.save_model(
        estimator,
        tmp_path / "model",
        pyfunc_predict_fn="predict_proba",
        pip_requirements=[],
        serialization_format="pickle",
    )
    native, planned = loaded(tmp_path / "model")
    names = methods(mlmodel.read(tmp_path / "model"), "")["predict"]
    _, predict = method(native, planned, list(names))
    expected = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(FRAME)
    np.testing.assert_array_equal(predict(FRAME, {}), expected)
    assert predict(FRAME, {}).shape == (2, 2)


def test_mlflows_switch_against_pickles_counts(tmp_path, monkeypatch):
    estimator = LogisticRegression().fit(FRAME, [0, 1])
    mlflow.sklearn.save_model(
        estimator, tmp_path / "model", serialization_format="pickle", pip_requirements=[]
    )
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    with pytest.raises(
        PermissionError, match="MLFLOW_ALLOW_PICKLE_DESERIALIZATION is false: a model in this"
    ):
        loaded(tmp_path / "model")
