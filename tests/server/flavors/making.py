"""How the models of the matrix are made: logged, and given their environments, all cached by content."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import uv

from tests.server.flavors.matrix import Logging

ROOT = Path(__file__).parents[3]
LOGGED = Path(__file__).with_name("logged")
CACHE = ROOT / ".cache" / "flavors"


@cache
def why_not(logging: Logging) -> str:
    """Return why the models cannot be logged here, or nothing."""
    found = _uv("python", "find", "--no-project", logging.python, check=False)
    return "" if found.returncode == 0 else f"there is no Python {logging.python} here"


def logged(logging: Logging) -> Path:
    """Return the folder that holds the models, which are logged unless that has been done."""
    content = hashlib.sha256(repr(logging).encode())
    for script in (f"{logging.script}.py", "record.py"):
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


@cache
def _environ() -> dict[str, str]:
    """Return the environment in which uv sees every interpreter: pyenv shows only those that are named."""
    environ = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    if shutil.which("pyenv"):
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=True)
        environ["PYENV_VERSION"] = ":".join(name for name in listed.stdout.split() if name[0] == "3")
    return environ


def _uv(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return _run([uv.find_uv_bin(), "--quiet", *arguments], check=check)


def _run(
    command: list[str],
    *,
    check: bool = True,
    environ: dict[str, str] | None = None,
    folder: Path = ROOT,
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**_environ(), **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done
