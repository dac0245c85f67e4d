"""Models with code of their own: a folder of modules, and a package; as each MLflow finds them.

python modules.py DEST REQUIREMENT…
"""

from __future__ import annotations

import inspect
import platform
import sys
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
from record import Record, table

CODE = "def scale(values):\n    return values * 2 - 1\n"
ROWS = pd.DataFrame({"x": [1.0, 3.0]})
ANSWER = [1.0, 5.0]


class Scaled(mlflow.pyfunc.PythonModel):
    """A model whose code is a module."""

    def predict(self, context, model_input):
        from scaling import scale

        return scale(model_input["x"]).to_numpy()


class Packaged(mlflow.pyfunc.PythonModel):
    """A model whose code is a module of a package."""

    def predict(self, context, model_input):
        from tools.scaling import scale

        return scale(model_input["x"]).to_numpy()


def save(dest: Path, name: str, model: mlflow.pyfunc.PythonModel, requirements: list[str], path: str) -> None:
    """Log a model and what it answers."""
    keyword = (
        "code_paths"
        if "code_paths" in inspect.signature(mlflow.pyfunc.save_model).parameters
        else "code_path"
    )
    conda = {"dependencies": [f"python={platform.python_version()}", "pip", {"pip": requirements}]}
    mlflow.pyfunc.save_model(str(dest / name), python_model=model, conda_env=conda, **{keyword: [path]})
    # Where the model was logged, every MLflow finds its code.
    assert list(mlflow.pyfunc.load_model(str(dest / name)).predict(ROWS)) == ANSWER
    Record(dest / name).add(table(ROWS), ANSWER, xtype="DataFrame")


def main(dest: Path, requirements: list[str]) -> None:
    """Log the models."""
    for folder in ("src", "tools"):
        Path(folder).mkdir()
        Path(folder, "scaling.py").write_text(CODE)
    # As a project whose modules lie in src; from 2.1 on MLflow puts only the folder of the code on the path.
    sys.path.insert(0, str(Path("src").resolve()))
    old = tuple(int(part) for part in mlflow.__version__.split(".")[:2]) < (2, 1)
    save(dest, "code_folder", Scaled(), requirements, "src" if old else str(Path("src", "scaling.py")))
    sys.path[0] = str(Path.cwd())
    Path("tools", "__init__.py").touch()
    save(dest, "code_package", Packaged(), requirements, "tools")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
