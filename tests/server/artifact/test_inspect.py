"""What a reviewer sees of a model."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from server.errors import BadArtifact, NotAModel, SourceNotFound
from server.pins.contract import inspect
from server.settings import FetchSettings
from tests.server.artifact.fetching import DIGEST, MODEL
from tests.server.artifact.test_digest import key, sign

TEXT = f"""\
digest        {DIGEST}
size          24.9 kB in 7 files
flavours      python_function, sklearn 1.9.1
estimator     sklearn.svm._classes.SVC
methods       predict, decision_function (likely)
inputs        sepal length (cm): double
              sepal width (cm): double
              petal length (cm): double
              petal width (cm): double
outputs       Class_0: double
              Class_1: double
              Class_2: double
params        none
argument      DataFrame (xtype auto)
python        3.13.0
requirements  numpy==2.4.6
              pandas==3.1.1
              scikit-learn==1.9.1
              skops==0.16.0
mlflow        3.17.2
run           93bc5efa1b7e409f91aac16024af51a0
signed        no"""


def test_text():
    assert inspect(str(MODEL), FetchSettings(), as_json=False) == TEXT


def test_the_same_from_anywhere(uri, settings):
    here = inspect(str(MODEL), FetchSettings(), as_json=True)
    assert inspect(MODEL.as_uri(), FetchSettings(), as_json=True) == here
    assert inspect(uri, settings, as_json=True) == here
    assert json.loads(here)["digest"] == DIGEST


def test_json():
    content = json.loads(inspect(str(MODEL), FetchSettings(), as_json=True))
    assert list(content) == [
        "digest",
        "size",
        "files",
        "flavors",
        "estimator",
        "methods",
        "signature",
        "argument",
        "python",
        "conda_packages",
        "requirements",
        "mlflow",
        "signed",
    ]
    assert content["signature"]["outputs"][0] == {"name": "Class_0", "type": "double", "required": True}
    assert content["mlflow"]["model"] == "9d23264ae6354920b54c6cba745538b7"


def test_the_command_line():
    command = [sys.executable, "-m", "server", "inspect", str(MODEL)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == TEXT + "\n"


def test_a_model_is_not_loaded(model):
    """A pickle that would end the process, beside code that nobody may import."""
    (model / "MLmodel").write_text(
        "flavors: {sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: code}}"
    )
    (model / "model.pkl").write_bytes(b"cos\n_exit\n(I1\ntR.")
    content = json.loads(inspect(str(model), FetchSettings(), as_json=True))
    assert content["estimator"] == "os._exit"


def test_credentials_in_a_requirement_are_hidden(model):
    (model / "requirements.txt").write_text("foo @ https://user:s3cret@host/foo.whl\n")
    content = json.loads(inspect(str(model), FetchSettings(), as_json=True))
    assert content["requirements"] == ["foo @ https://***@host/foo.whl"]


def test_signatures(model, tmp_path):
    public = FetchSettings(signature_key=str(key(tmp_path / "key.pem")))

    def signed(settings):
        return json.loads(inspect(str(model), settings, as_json=True))["signed"]

    assert signed(public) == (
        f"refused: {model}: is not signed: it has no model.sig, and FETCH_SIGNATURE_KEY asks for one; "
        "sign the model, or unset FETCH_SIGNATURE_KEY"
    )
    sign(model, tmp_path / "key.pem")
    assert signed(FetchSettings()) == "not checked"
    assert signed(public) == "yes"


def test_tensors_and_optional_columns(model):
    text = (model / "MLmodel").read_text().partition("signature:")[0]
    (model / "MLmodel").write_text(
        text
        + """signature:
  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28, 28]}}]'
  outputs: '[{"type": "string", "name": "label", "required": false}, {"type": "array", "items":
    {"type": "double"}, "name": "scores", "required": true}]'
  params: '[{"name": "threshold", "type": "double", "default": 0.5, "shape": null}]'
"""
    )
    shown = inspect(str(model), FetchSettings(), as_json=False)
    assert "inputs        (unnamed): float32 [-1, 28, 28]\n" in shown
    assert "outputs       label: string, optional\n              scores: array\n" in shown
    assert "params        threshold: double\n" in shown


@pytest.mark.parametrize(
    ("name", "kind"), [("none", SourceNotFound), ("code", NotAModel), ("MLmodel", SourceNotFound)]
)
def test_what_is_no_model(model, name, kind):
    (model / "code").mkdir()
    with pytest.raises(kind):
        inspect(str(model / name), FetchSettings(), as_json=False)


def test_a_link(model):
    (model / "link").symlink_to("MLmodel")
    with pytest.raises(BadArtifact, match="is a symbolic link or a special file"):
        inspect(str(model), FetchSettings(), as_json=False)
