"""How the models of the matrix are made: logged, and given their environments, all cached by content."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uv

from tests import pythons
from tests.server.flavors.matrix import Logging

ROOT = Path(__file__).parents[3]
LOGGED = Path(__file__).with_name("logged")
CACHE = ROOT / ".cache" / "flavors"


def logged(logging: Logging) -> Path:
    """Return the folder that holds the models, which are logged unless that has been done."""
    content = hashlib.sha256(repr((logging, logging.served_with)).encode())
    for script in (f"{logging.script}.py", "record.py", "scoring_server.py"):
        content.update(LOGGED.joinpath(script).read_bytes())
    folder = CACHE / f"{logging}-{content.hexdigest()[:16]}"
    with _alone(folder):
        if not folder.is_dir():
            aside = folder.with_name(f"{folder.name}.aside")
            shutil.rmtree(aside, ignore_errors=True)
            python = str(aside / "env" / "bin" / "python")
            _uv("venv", "--no-project", "--python", logging.python, str(aside / "env"))
            _uv(
                "pip",
                "install",
                "--no-build",
                "--python",
                python,
                *logging.requirements,
                *logging.only_to_log,
                *logging.served_with,
            )
            models = aside / "models"
            models.mkdir()
            script = str(LOGGED / f"{logging.script}.py")
            # Not in this repository: MLflow would take its uv.lock for the models'.
            _run([python, script, str(models), *logging.requirements], folder=aside)
            shutil.rmtree(aside / "env")
            aside.rename(folder)
    return folder / "models"


def environment(model: Path, folder: Path) -> Path:
    """Return the environment of a model, made in ``folder`` by the verb, or found in the cache of environments."""
    with _alone(CACHE / "environments"):
        _run(
            [sys.executable, "-m", "server", "environment", str(model), str(folder)],
            environ={"ENVIRONMENT_CACHE": str(CACHE / "environments"), "ENVIRONMENT_STRICT_PYTHON": "true"},
        )
    return folder


def expected(model: Path) -> list[dict[str, object]]:
    """Return what the model answered when it was logged: parameters, message and answer of each request."""
    return json.loads(model.with_suffix(".json").read_text())


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes of a test run away while something at ``path`` is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _uv(*arguments: str) -> None:
    _run([uv.find_uv_bin(), "--quiet", *arguments])


def _run(
    command: list[str],
    *,
    environ: dict[str, str] | None = None,
    folder: Path = ROOT,
) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**pythons.environ(), **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
