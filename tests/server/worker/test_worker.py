"""The worker as a whole: what it runs on, and what it brings into the model's process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from server.environment.interpreters import OLDEST
from tests.project import MODELS, ROOT

PACKAGES = (ROOT / "server" / "worker", ROOT / "server" / "ipc", ROOT / "server" / "operating_system.py")
MODULES = sorted(
    path for package in PACKAGES for path in (package.glob("*.py") if package.is_dir() else [package])
)
IRIS = MODELS / "iris_svm_model"


def test_it_needs_nothing_newer_than_the_oldest_python():
    """Annotations are not evaluated, so they may be new."""
    oldest = ".".join(map(str, OLDEST))
    done = subprocess.run(
        [
            Path(sys.executable).with_name("vermin"),
            f"-t={oldest}-",
            "--violations",
            "--no-tips",
            *map(str, PACKAGES),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for path in MODULES:
        lines = path.read_text()
        assert "from __future__ import annotations" in lines or path.name == "__init__.py", path


@pytest.mark.long
def test_a_scikit_learn_model_brings_no_mlflow(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import importlib.util, json, sys\n"
        f"spec = importlib.util.spec_from_file_location('program', {str(ROOT / 'server' / '__init__.py')!r},"
        f" submodule_search_locations=[{str(ROOT / 'server')!r}])\n"
        "sys.modules['program'] = importlib.util.module_from_spec(spec)\n"
        "from program.worker.load import load\n"
        "model = load(sys.argv[1], json.loads(sys.argv[2]))\n"
        "print(json.dumps([type(model).__name__, 'mlflow' in sys.modules]))\n"
    )
    plan = {"loader": "skops", "path": "model.skops", "trusted": None, "code": None, "imports": []}
    done = subprocess.run(
        [sys.executable, "-I", str(program), str(IRIS), json.dumps(plan)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == ["SVC", False]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_its_modules_import_nothing_of_the_server(path):
    assert "server" not in {
        line.split()[1].split(".")[0]
        for line in path.read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
