"""Models of xgboost, lightgbm and catboost give the same bits for rows together and apart, in old and new versions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import uv

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("boosters")]

SCRIPT = Path(__file__).with_name("boosters.py")
# What is installed, and how many threads there are. The oldest that have wheels, by the Python that runs the tests.
OLD_MODELS = ("xgboost-cpu==2.1.4", "lightgbm==3.3.5", "scikit-learn==1.4.2")
OLD_OTHERS = ("numpy==1.26.4", "pandas==2.2.3", "scipy==1.13.1", "setuptools==75.8.0")
OLD = {
    (3, 11): ((*OLD_MODELS, "catboost==1.2.2"), OLD_OTHERS, "1"),
    (3, 12): ((*OLD_MODELS, "catboost==1.2.3"), OLD_OTHERS, "1"),
    (3, 13): (
        ("xgboost-cpu==2.1.4", "lightgbm==4.5.0", "catboost==1.2.8", "scikit-learn==1.5.2"),
        ("numpy==2.1.3", "pandas==2.2.3", "scipy==1.14.1"),
        "1",
    ),
}
NEW = (
    ("xgboost-cpu==3.2.0", "lightgbm==4.7.0", "catboost==1.2.10", "scikit-learn==1.9.1"),
    ("numpy==2.4.6", "pandas==3.1.1", "scipy==1.17.1"),
    "2",
)
MODELS = {
    *(
        "xgboost reg:squarederror",
        "xgboost binary:logistic",
        "xgboost multi:softprob",
        "xgboost rank:pairwise",
    ),
    *("XGBRegressor", "XGBClassifier", "XGBRFRegressor", "XGBRFClassifier"),
    *("pipeline XGBRegressor", "pipeline XGBClassifier"),
    *("lightgbm regression", "lightgbm binary", "lightgbm multiclass", "lightgbm poisson"),
    *("LGBMRegressor", "LGBMClassifier", "LGBMRanker"),
    *("CatBoost number", "CatBoostRegressor", "CatBoostClassifier", "CatBoostRanker"),
}


def run(*command, **environ):
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param(OLD.get(sys.version_info[:2]), id="old", marks=pytest.mark.weekly),
        pytest.param(NEW, id="new"),
    ],
)
def test_rows_have_the_same_answers_together_and_apart(tmp_path, versions):
    if versions is None:
        pytest.skip("the newest versions are the oldest with wheels for the Python that runs the tests")
    models, others, threads = versions
    folder = tmp_path / "venv"
    python = folder / "bin" / "python"
    run(uv.find_uv_bin(), "venv", "--no-project", "--python", sys.executable, folder)
    run(uv.find_uv_bin(), "pip", "install", "--no-build", "--python", python, *models, *others)
    # Threads that wait for others' CPUs would take them.
    limits = {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}
    run(python, SCRIPT, tmp_path / "found.json", threads, **limits)
    found = json.loads((tmp_path / "found.json").read_text())
    compared = [each for each in found if "refused" not in each]
    assert [each for each in compared if each["different"]] == []
    assert all(each["rowwise"] and each["same"] for each in compared)
    said = " ".join(each["case"] for each in compared)
    assert {name for name in MODELS if name not in said} == set()
    # xgboost does not give leaves and contributions of every kind of model, or leaves by an array without names;
    # catboost takes no floating-point numbers for categories.
    refused = [each["case"] for each in found if "refused" in each]
    assert all(" apply " in case or "'pred_" in case or case.startswith("coded CatBoost") for case in refused)
