from __future__ import annotations

from pathlib import Path

import pytest

from server import mlmodel
from server.environment import specification
from server.errors import BadRequirements
from tests.project import MODELS
from tests.server.environment import making

CONDA = "dependencies:\n- python=3.9.1\n- pip:\n  - alpha==1.0\n"
PYTHON_ENV = "python: 3.10.2\nbuild_dependencies: [setuptools==65.5.0]\ndependencies: [beta]\n"
# A flavour python_function of an old MLflow, without the Python.
OLD = "flavors:\n  sklearn: {pickled_model: model.pkl, sklearn_version: 1.0}\n  python_function: {env: env.yml}\n"


def read(model: Path) -> specification.Specification:
    return specification.read(mlmodel.read(model))


def lines(model: Path) -> list[str]:
    return [str(entry) for entry in read(model).requirements.entries]


def test_requirements_txt_counts_before_the_others(tmp_path: Path) -> None:
    model = making.model(tmp_path, "gamma\n")
    (model / "conda.yaml").write_text(CONDA)
    (model / "python_env.yaml").write_text(PYTHON_ENV)
    assert lines(model) == [
        "requirements.txt, line 1: gamma",
        "python_env.yaml, line 2: setuptools==65.5.0",
    ]


@pytest.mark.parametrize("requirements", ["", "# nothing\n", "--pre\n"])
def test_requirements_txt_without_requirements(tmp_path: Path, requirements: str) -> None:
    model = making.model(tmp_path, requirements)
    (model / "conda.yaml").write_text(CONDA)
    (model / "python_env.yaml").write_text(PYTHON_ENV)
    assert lines(model) == [
        "conda.yaml, line 4: alpha==1.0",
        "python_env.yaml, line 2: setuptools==65.5.0",
    ]


OPTIONS = """\
--index-url https://localhost/first
--extra-index-url https://localhost/more
--pre
--find-links links
-c limits.txt
"""


def test_options_count_for_the_list_that_has_requirements(tmp_path: Path) -> None:
    model = making.model(tmp_path, OPTIONS)
    (model / "limits.txt").write_text("alpha<2\n")
    (model / "conda.yaml").write_text(
        "dependencies:\n- pip:\n  - -r requirements.txt\n  - --find-links other\n  - --require-hashes\n"
        "  - -i https://localhost/second\n  - --no-binary beta\n  - alpha\n"
    )
    listed = read(model).requirements
    assert listed.text == (
        "--index-url https://localhost/first\n--extra-index-url https://localhost/more\n--no-binary beta\nalpha\n"
    )
    assert listed.constraints_text == "alpha<2\n"
    assert listed.flags == [
        *("--prerelease", "allow", "--find-links", "links"),
        *("--find-links", "other", "--require-hashes"),
    ]


def test_options_count_for_what_the_flavours_need(tmp_path: Path) -> None:
    model = making.model(tmp_path, OPTIONS)
    (model / "limits.txt").write_text("numpy<2\n")
    (model / "python_env.yaml").write_text("dependencies: [-r requirements.txt]\n")
    listed = read(model).requirements
    assert listed.text == (
        "--index-url https://localhost/first\n--extra-index-url https://localhost/more\nscikit-learn==1.5.2\nskops\n"
    )
    assert listed.constraints_text == "numpy<2\n"
    assert listed.flags == ["--prerelease", "allow", "--find-links", "links"]


def test_options_of_a_list_that_does_not_count(tmp_path: Path) -> None:
    model = making.model(tmp_path, "gamma\n")
    (model / "conda.yaml").write_text("dependencies:\n- pip: [--pre, -i https://localhost/second, alpha]\n")
    listed = read(model).requirements
    assert (listed.text, listed.flags) == ("gamma\n", [])


def test_conda_yaml_counts_before_python_env_yaml(tmp_path: Path) -> None:
    model = making.model(tmp_path)
    (model / "conda.yaml").write_text(CONDA)
    (model / "python_env.yaml").write_text(PYTHON_ENV.replace("beta", "-r requirements.txt"))
    assert lines(model) == [
        "conda.yaml, line 4: alpha==1.0",
        "python_env.yaml, line 2: setuptools==65.5.0",
    ]


def test_python_env_yaml_alone(tmp_path: Path) -> None:
    model = making.model(tmp_path)
    (model / "python_env.yaml").write_text(PYTHON_ENV)
    assert lines(model) == ["python_env.yaml, line 3: beta", "python_env.yaml, line 2: setuptools==65.5.0"]


def test_build_dependency_that_is_required_too(tmp_path: Path) -> None:
    model = making.model(tmp_path, "setuptools==70\n")
    (model / "python_env.yaml").write_text(PYTHON_ENV)
    assert lines(model) == ["requirements.txt, line 1: setuptools==70"]


@pytest.mark.parametrize("requirements", [None, "", "# nothing\n"])
def test_model_with_none(tmp_path: Path, requirements: str | None) -> None:
    model = making.model(tmp_path, requirements)
    (model / "conda.yaml").write_text("dependencies: [python=3.9.1, pip]\n")
    assert lines(model) == [
        "added, since the model lists no requirements and has the flavour sklearn: scikit-learn==1.5.2",
        "added, since the model lists no requirements and has the flavour sklearn: skops",
    ]


def test_python_by_mlmodel_then_python_env_yaml_then_conda_yaml(tmp_path: Path) -> None:
    model = making.model(tmp_path, "gamma\n", python="3.12.1")
    (model / "env.yml").write_text(CONDA)
    (model / "python_env.yaml").write_text(PYTHON_ENV)
    assert str(read(model).python) == "3.12.1"
    (model / "MLmodel").write_text(OLD)
    assert str(read(model).python) == "3.10.2"
    (model / "python_env.yaml").unlink()
    assert str(read(model).python) == "3.9.1"
    (model / "env.yml").unlink()
    assert read(model).python is None


def test_file_that_mlmodel_names(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(OLD)
    (tmp_path / "env.yml").write_text(CONDA)
    assert lines(tmp_path) == ["env.yml, line 4: alpha==1.0"]


def test_file_outside_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(OLD.replace("env.yml", "../env.yml"))
    with pytest.raises(BadRequirements) as raised:
        read(tmp_path)
    assert str(raised.value) == (
        "MLmodel: env '../env.yml' of the flavour python_function is not a file of the model folder; log the model "
        "again"
    )


@pytest.mark.parametrize("name", ["iris_svm_model", "iris_preprocessor_model", "iris_postprocessor_model"])
def test_examples_need_no_mlflow(name: str) -> None:
    asked = read(MODELS / name)
    assert {entry.name for entry in asked.requirements.entries} == {
        "numpy",
        "pandas",
        "scikit-learn",
        "skops",
    }
    assert asked.python is not None


def test_what_counts_is_said_where_files_differ(tmp_path: Path) -> None:
    model = making.model(tmp_path, "scikit-learn==1.4.0\nalpha==2.0\n", python="3.12.1")
    (model / "conda.yaml").write_text(CONDA.replace("python=3.9.1", "python>=3.9,<3.11"))
    (model / "python_env.yaml").write_text(PYTHON_ENV)
    assert read(model).notes == (
        "MLmodel asks for Python 3.12.1 and python_env.yaml for 3.10.2: MLmodel counts",
        "MLmodel asks for Python 3.12.1 and conda.yaml for >=3.9,<3.11: MLmodel counts",
        "requirements.txt counts, and not what conda.yaml lists for pip: alpha==1.0",
        "MLmodel records scikit-learn 1.5.2; requirements.txt, line 1: scikit-learn==1.4.0 counts",
    )


def test_nothing_is_said_where_files_agree(tmp_path: Path) -> None:
    model = making.model(tmp_path, "alpha==1.0\n", python="3.9.1")
    (model / "conda.yaml").write_text(CONDA)
    (model / "python_env.yaml").write_text("python: 3.9.1\ndependencies: [-r requirements.txt]\n")
    assert read(model).notes == ()
