"""Models that are pickled objects of a class of their own, served without MLflow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def pickled(folder: Path, source: str) -> Path:
    """Make ``folder`` a model: an object of the class Model of the module ``source``, which lies beside it."""
    code = folder / "code"
    code.mkdir(parents=True)
    (code / "own.py").write_text(source)
    script = f"import pickle, sys; sys.path.insert(0, {str(code)!r}); import own\n"
    script += f"pickle.dump(own.Model(), open({str(folder / 'model.pkl')!r}, 'wb'))"
    subprocess.run([sys.executable, "-c", script], check=True)
    (folder / "MLmodel").write_text(
        "flavors:\n  sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: code}\n"
    )
    return folder
