"""Small real parts: wheels, a package index of them on disk, model folders."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.project import ROOT

# A model that is loaded natively, and one that mlflow.pyfunc loads.
NATIVE = """\
flavors:
  sklearn: {pickled_model: model.skops, serialization_format: skops, sklearn_version: 1.5.2}
  python_function: {loader_module: mlflow.sklearn, python_version: PYTHON}
mlflow_version: 2.17.2
"""
PYFUNC = """\
flavors:
  python_function: {loader_module: my_loader, python_version: PYTHON}
mlflow_version: MLFLOW
"""


def wheel(
    folder: Path,
    name: str,
    version: str,
    requires: Iterable[str] = (),
    *,
    tag: str = "py3-none-any",
    says: str | None = None,
    files: dict[str, str] | None = None,
) -> Path:
    """Make a wheel of one module with a console script; ``says`` is what both tell, else the version.

    ``files`` are more files, by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    said = version if says is None else says
    files = {
        **(files or {}),
        f"{name}.py": f"SAYS = {said!r}\n\n\ndef main():\n    print(SAYS)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {required}\n" for required in requires),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-says = {name}:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def index(folder: Path, *distributions: Path) -> str:
    """Make a package index of these files in ``folder`` and return its URL."""
    for path in distributions:
        page = folder / path.name.partition("-")[0].replace("_", "-").lower() / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        with page.open("a") as file:
            file.write(f'<a href="{path.as_uri()}#sha256={sha256}">{path.name}</a>\n')
    folder.mkdir(parents=True, exist_ok=True)
    return folder.as_uri()


def this_python() -> str:
    """Return the version of the Python that runs the tests, as a model names it."""
    return ".".join(str(part) for part in sys.version_info[:3])


def model(
    folder: Path,
    requirements: str | None = None,
    *,
    text: str = NATIVE,
    python: str = "",
    mlflow: str = "3.5.0",
) -> Path:
    """Make a model folder; its Python is the one that runs the tests unless ``python`` says otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    mlmodel = text.replace("PYTHON", python or this_python()).replace("MLFLOW", mlflow)
    (folder / "MLmodel").write_text(mlmodel)
    if requirements is not None:
        (folder / "requirements.txt").write_text(requirements)
    return folder


def verb(*arguments: object, **environ: str) -> subprocess.Popen[str]:
    """Start `python -m server` with these arguments and additional environment variables."""
    return subprocess.Popen(
        [sys.executable, "-m", "server", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(python: Path, code: str, environ: Mapping[str, str] | None = None) -> str:
    """Return what an environment's interpreter prints for ``code``."""
    command = [python, "-I", "-c", code]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.strip()
