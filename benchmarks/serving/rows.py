"""What every server is asked, and what it must answer: the example SVC's decision_function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "tests" / "manifests" / "examples" / "iris" / "models" / "iris_svm_model"
METHOD = "decision_function"
NAMES = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
# A sum over support vectors may be taken in another order by another release of numpy.
TOLERANCE = 1e-9

Array = NDArray[np.float64]


def rows(number: int) -> Array:
    """Return (``number``, 4) float64: the 150 flowers of the iris data, over and over."""
    # Whoever only names what is asked need not wait for it.
    from sklearn.datasets import load_iris

    return np.resize(load_iris().data, (number, len(NAMES)))


def expected(asked: Array) -> Array:
    """Return what the model itself says of the rows: (rows, 3) float64."""
    import pandas as pd
    import skops.io

    return np.asarray(
        skops.io.load(MODEL / "model.skops").decision_function(pd.DataFrame(asked, columns=NAMES))
    )
