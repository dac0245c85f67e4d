"""How MLflow loads the model: its own wrapper of scikit-learn calls no method but those of classification.

https://mlflow.org/docs/latest/api_reference/python_api/mlflow.pyfunc.html: a loader module.
"""

from __future__ import annotations

from typing import Any

import skops.io


class Decision:
    """The model's decision_function as MLflow's predict."""

    def __init__(self, path: str) -> None:
        self._decide = skops.io.load(path).decision_function

    def predict(self, rows: Any) -> Any:
        """Return (rows, 3) float64 for a DataFrame of (rows, 4)."""
        return self._decide(rows)


def _load_pyfunc(path: str) -> Decision:
    return Decision(path)
