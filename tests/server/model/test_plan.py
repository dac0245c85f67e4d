"""How a model is loaded, by its flavours."""

from __future__ import annotations

import pytest

from server import mlmodel
from server.errors import NotAModel
from server.model.plan import plan


def planned(tmp_path, flavors):
    (tmp_path / "MLmodel").write_text(f"flavors: {flavors}\n")
    return plan(mlmodel.read(tmp_path))


def test_scikit_learn_is_loaded_natively_even_with_a_python_function(tmp_path):
    flavors = "{python_function: {}, sklearn: {pickled_model: model.skops, serialization_format: skops}}"
    assert planned(tmp_path, flavors) == {
        "loader": "skops",
        "trusted": None,
        "path": "model.skops",
        "code": None,
    }


@pytest.mark.parametrize(
    ("stated", "module"),
    [("", "pickle"), (", serialization_format: cloudpickle", "cloudpickle")],
)
def test_pickles_name_the_module_that_reads_them(tmp_path, stated, module):
    flavors = f"{{sklearn: {{pickled_model: model.pkl, code: code{stated}}}}}"
    assert planned(tmp_path, flavors) == {
        "loader": "pickle",
        "module": module,
        "path": "model.pkl",
        "code": "code",
    }


def test_any_other_flavour_is_loaded_as_python_function(tmp_path):
    assert planned(tmp_path, "{spark: {}, python_function: {code: code}}") == {
        "loader": "pyfunc",
        "code": "code",
    }


@pytest.mark.parametrize(
    ("flavors", "message"),
    [
        (
            "{spark: {}, mleap: {}}",
            "{folder}: flavours mleap, spark cannot be loaded: a model needs the flavour sklearn or "
            "python_function; log it with one of them",
        ),
        (
            "{sklearn: {pickled_model: m, serialization_format: joblib}}",
            "{folder}/MLmodel: serialization_format 'joblib' is not known; it must be skops, "
            "pickle or cloudpickle",
        ),
        ("{sklearn: {}}", "{folder}/MLmodel: the flavour sklearn has no pickled_model; log the model again"),
    ],
)
def test_what_cannot_be_loaded_is_refused(tmp_path, flavors, message):
    with pytest.raises(NotAModel) as caught:
        planned(tmp_path, flavors)
    assert str(caught.value) == message.format(folder=tmp_path)
