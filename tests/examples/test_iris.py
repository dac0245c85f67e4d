from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from gitops.promote import train
from server import mlmodel
from server.artifact.digest import model_digest
from server.pins.contract import inspect
from server.settings import FetchSettings
from tests.project import MANIFESTS, MODELS

# How each model is called, and the overlay whose expected.json has a request for it and the answer.
METHODS = {
    "iris_svm_model": ("decision_function", "model"),
    "iris_preprocessor_model": ("transform", "preprocessor"),
    "iris_postprocessor_model": ("transform", "postprocessor"),
}
each = pytest.mark.parametrize("name", METHODS)


def expected(name: str) -> tuple[pd.DataFrame, Any]:
    content = json.loads((MANIFESTS / "overlays" / METHODS[name][1] / "expected.json").read_text())
    request, response = content["request"]["data"], content["response"]["data"]
    return pd.DataFrame(request["ndarray"], columns=request["names"]), response["ndarray"]


def answer(folder: Path, name: str, rows: pd.DataFrame) -> Any:
    import skops.io  # It imports all of scikit-learn and SciPy, which no other test needs.

    model = skops.io.load(folder / name / "model.skops")
    return getattr(model, METHODS[name][0])(rows)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dest = tmp_path_factory.mktemp("models")
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", MANIFESTS / "examples" / "iris" / "train.py", dest],
        cwd=dest,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dest


@each
def test_a_committed_model_gives_the_tutorials_numbers(name: str) -> None:
    rows, numbers = expected(name)
    np.testing.assert_allclose(answer(MODELS, name, rows), numbers, rtol=0, atol=1e-9)


@pytest.mark.long
@each
def test_training_again_gives_the_same_model(trained: Path, name: str) -> None:
    rows, _ = expected(name)
    rows = pd.concat([rows, rows * 0.5, rows + 3])
    np.testing.assert_allclose(answer(trained, name, rows), answer(MODELS, name, rows), rtol=0, atol=1e-9)
    assert mlmodel.read(trained / name).inputs == mlmodel.read(MODELS / name).inputs
    assert mlmodel.read(trained / name).outputs == mlmodel.read(MODELS / name).outputs
    assert sorted(path.name for path in (trained / name).iterdir()) == sorted(
        path.name for path in (MODELS / name).iterdir()
    )


@each
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_requirements_resolve_on_each_python(name: str, python: str) -> None:
    requirements = MODELS / name / "requirements.txt"
    options = ["--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:", "--no-python-downloads"]
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", *options, "--python-version", python, requirements],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(requirements.read_text().split()) <= set(done.stdout.split())
    # A list that brings MLflow, as its own default does, brings ninety packages.
    assert len(done.stdout.splitlines()) <= 15


def test_each_overlay_pins_the_model_that_is_committed() -> None:
    for name, (_, overlay) in METHODS.items():
        node = yaml.safe_load((MANIFESTS / "overlays" / overlay / "node.yaml").read_text())
        assert node["spec"]["modelUri"].endswith(f"/{name}")
        assert node["spec"]["modelDigest"] == model_digest(MODELS / name)


def test_each_overlay_holds_the_contract_of_its_model() -> None:
    for name, (_, overlay) in METHODS.items():
        said = inspect(str(MODELS / name), FetchSettings(), as_json=True)
        assert (MANIFESTS / "overlays" / overlay / "contract.json").read_text() == said + "\n"


def test_each_overlay_locks_its_model_for_every_python_that_its_packages_have_wheels_for() -> None:
    for name, (_, overlay) in METHODS.items():
        head = (MANIFESTS / "overlays" / overlay / "requirements.lock").read_text().splitlines()[1:5]
        assert head == [
            f"# model: {model_digest(MODELS / name)}",
            "# python: 3.11, 3.12, 3.13, 3.14",
            # numpy and others have no wheels for it yet.
            "# python left out: 3.15",
            "# platform: linux-x86_64, linux-aarch64, macos-aarch64, macos-x86_64",
        ]


@pytest.mark.long
def test_pinning_rewrites_the_pins_of_the_overlay_whose_model_changed(tmp_path: Path) -> None:
    shutil.copytree(MANIFESTS / "overlays", tmp_path / "overlays")
    shutil.copytree(MODELS, tmp_path / train.MODELS)
    (tmp_path / train.MODELS / "iris_svm_model" / "requirements.txt").write_text("numpy==2.4.6\n")
    before = {path: path.read_text() for path in (tmp_path / "overlays").rglob("*.*") if path.is_file()}
    old, new = (
        model_digest(MODELS / "iris_svm_model"),
        model_digest(tmp_path / train.MODELS / "iris_svm_model"),
    )

    lines = list(train.pin_examples(tmp_path))
    assert lines == [
        f"overlays/model/node.yaml: {new}",
        f"overlays/postprocessor/node.yaml: {model_digest(MODELS / 'iris_postprocessor_model')}",
        f"overlays/preprocessor/node.yaml: {model_digest(MODELS / 'iris_preprocessor_model')}",
    ]
    after = {path: path.read_text() for path in before}
    overlay = tmp_path / "overlays" / "model"
    assert after[overlay / "node.yaml"] == before[overlay / "node.yaml"].replace(old, new)
    assert json.loads(after[overlay / "contract.json"])["digest"] == new
    assert f"# model: {new}\n" in after[overlay / "requirements.lock"]
    assert "pandas" not in after[overlay / "requirements.lock"]
    changed = {path for path in before if before[path] != after[path]}
    # The others' packages may have newer releases meanwhile: their locks are made again too.
    assert {path for path in changed if path.name != "requirements.lock"} == {
        overlay / "node.yaml",
        overlay / "contract.json",
    }
