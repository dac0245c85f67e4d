"""Models that may get an array in place of a DataFrame with the columns that they were fitted with.

Estimators of scikit-learn look at a DataFrame's names, find them to be those they know, and make an array of it. For few
rows this takes longer than the rest of the call.
tests/server/worker/test_array_input.py calls each of these estimators both ways.
"""

from __future__ import annotations

import warnings
from typing import Any

from .rowwise import COMPOSITES, ESTIMATORS, parts

# A ColumnTransformer chooses columns by their names; the others hand them to an estimator of any kind.
OPEN = frozenset(("ColumnTransformer", "RFE", "RFECV"))
HANDING_ON = {name: where for name, where in COMPOSITES.items() if name not in OPEN}
TAKEN = ESTIMATORS - OPEN
# Of these kinds an array of the same numbers has the same type as the DataFrame.
KINDS = "fiu"


def columns(model: Any) -> list[str] | None:
    """Return the names that a model was fitted with, where an array does as well as a DataFrame with them, or None."""
    for part in parts(model, HANDING_ON):
        kind = type(part)
        if kind.__module__.partition(".")[0] != "sklearn" or kind.__name__ not in TAKEN:
            return None
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return None
    # A DataFrame was wanted, whose names are checked before.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    return list(names)


def is_array(header: dict[str, Any], values: list[Any], known: list[str] | None) -> bool:
    """Return whether the DataFrame that ``header`` describes is one of numbers with the columns ``known``."""
    return (
        known is not None
        and header["as"] == "frame"
        and not header["columnar"]
        and not header.get("convert")
        and header["names"] == known
        and getattr(values[0], "ndim", 0) == 2
        and values[0].dtype.kind in KINDS
    )
