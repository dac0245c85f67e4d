"""What the servers run in: the model's environment, made by the verb, and those of the peers, as their locks say."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import yaml
from packaging.specifiers import SpecifierSet

from benchmarks.serving.errors import BenchFailed
from benchmarks.serving.rows import METHOD, MODEL, ROOT
from gitops.tools import uv_sync
from server.environment.interpreters import present
from server.environment.uv import Uv

PEERS = ROOT / "benchmarks" / "peers"
CACHE = ROOT / ".cache" / "bench"
# Of the models that are served, which share an environment.
REQUIREMENTS = MODEL / "requirements.txt"
_IMAGE_PYTHON = re.compile(r"^ARG BASE_IMAGE=\S*/python:(?P<version>\d+\.\d+)", re.MULTILINE)
# MLServer's runtime for scikit-learn reads this format only.
_JOBLIB = "import sys, joblib, skops.io; joblib.dump(skops.io.load(sys.argv[1]), sys.argv[2])"


@cache
def server() -> Path:
    """Return the interpreter of the server: the image's Python with what the image holds.

    Raises:
        BenchFailed: it cannot be made.
    """
    minor = _IMAGE_PYTHON.search((ROOT / "Dockerfile").read_text())
    if minor is None:
        raise BenchFailed(
            f"{ROOT / 'Dockerfile'} names no image of Python: BASE_IMAGE must be one, python:3.…"
        )
    interpreter = _installed(
        "the server", ROOT, f"=={minor['version']}.*", CACHE / "server", "--no-default-groups"
    )
    _run([str(interpreter), "-m", "compileall", "-q", "server"])
    return interpreter


@cache
def ours() -> Path:
    """Return the folder of the model's environment, as an init container of the pod makes it.

    The code of the model's process is compiled, as in the image.

    Raises:
        BenchFailed: it cannot be made.
    """
    folder = CACHE / "environment"
    _run([str(server()), "-m", "server", "environment", str(MODEL), str(folder)])
    _run(
        [str(folder / "current" / "bin" / "python"), "-m", "compileall", "-q", "server/worker", "server/ipc"]
    )
    return folder


@cache
def python(peer: str) -> Path:
    """Return the interpreter of a peer's environment, installed as its lock says, of the newest Python that it takes.

    Raises:
        BenchFailed: there is no such Python, or uv cannot install it; the message holds its own words.
    """
    project = PEERS / peer
    asked = tomllib.loads((project / "pyproject.toml").read_text())["project"]["requires-python"]
    return _installed(peer, project, asked, CACHE / peer)


def _installed(name: str, project: Path, asked: str, environment: Path, *options: str) -> Path:
    """Install a project with the newest Python of those asked for, as in >=3.12; one that uv names, so that it runs."""
    fitting = [python for python in present(Uv(project, project)) if str(python) in SpecifierSet(asked)]
    if not fitting:
        raise BenchFailed(f"{name} needs Python {asked}, which is not here: `uv python install` adds one")
    done = uv_sync(project, environment, "--python", str(fitting[-1].path), *options)
    if done.returncode != 0:
        raise BenchFailed(f"{name} cannot be installed from {project}:\n{done.stderr.strip()}")
    return environment / "bin" / "python"


@cache
def mlflow_model() -> Path:
    """Return a copy of the model that MLflow loads by decision.py, since its own wrapper refuses the method."""
    folder = CACHE / "mlflow-model"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(MODEL, folder)
    (folder / "code").mkdir()
    shutil.copy(PEERS / "mlflow" / "decision.py", folder / "code")
    described = yaml.safe_load((folder / "MLmodel").read_text())
    function = described["flavors"]["python_function"] | {"loader_module": "decision", "code": "code"}
    function["data"] = function.pop("model_path")
    described["flavors"] = {"python_function": function}
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    return folder


@cache
def mlserver_model() -> Path:
    """Return a folder that MLServer serves the model from."""
    folder = CACHE / "mlserver-model"
    folder.mkdir(parents=True, exist_ok=True)
    _run([str(python("mlserver")), "-c", _JOBLIB, str(MODEL / "model.skops"), str(folder / "model.joblib")])
    (folder / "model-settings.json").write_text(
        '{"name": "iris", "implementation": "mlserver_sklearn.SKLearnModel", '
        f'"parameters": {{"uri": "./model.joblib", "extra": {{"predict_fn": "{METHOD}"}}}}}}\n'
    )
    return folder


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchFailed(f"{' '.join(command[:4])} ended with {done.returncode}:\n{done.stderr.strip()}")
