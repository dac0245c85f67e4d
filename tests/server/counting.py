"""A model of mlflow.pyfunc that counts and tags as Seldon's components do, in this process's environment."""

from __future__ import annotations

from pathlib import Path

CODE = """
class Model:
    calls = 0

    def predict(self, data, params=None):
        self.calls += 1
        return data

    def metrics(self):
        return [
            {"key": "flowers", "type": "COUNTER", "value": 2, "tags": {"kind": "rose"}},
            {"key": "heat", "type": "GAUGE", "value": self.calls},
            {"key": "watering", "type": "TIMER", "value": 20.2},
        ]

    def tags(self):
        return {"calls": self.calls, "given": "by the model"}

def _load_pyfunc(path):
    return Model()
"""


def write(folder: Path) -> Path:
    """Write the model to a new folder, and return that."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "counts.py").write_text(CODE)
    (folder / "MLmodel").write_text("flavors:\n  python_function: {loader_module: counts, code: code}\n")
    return folder
