"""The combinations of a job's matrix.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from tests.workflows.expression.value import to_string
from tests.workflows.workflow import BadWorkflow

MOST = 256


def combinations(matrix: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return what ``matrix`` is in each job of it; one job without any where there is none.

    Raises:
        BadWorkflow: GitHub would refuse it.
    """
    if matrix is None:
        return [{}]
    axes = {name: values for name, values in matrix.items() if name not in ("include", "exclude")}
    for name, values in axes.items():
        if not isinstance(values, list) or not values:
            raise BadWorkflow(f"matrix: {name}: must be a list with a value at least")
    every = (
        [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())] if axes else []
    )
    left_out = matrix.get("exclude") or ()
    found = [each for each in every if not any(_same(each, entry) for entry in left_out)]
    original = [dict(combination) for combination in found]
    for entry in matrix.get("include") or ():
        fits = [
            at
            for at, before in enumerate(original)
            if all(before[name] == value for name, value in entry.items() if name in before)
        ]
        for at in fits:
            found[at] |= entry
        if not fits:
            found.append(dict(entry))
    if not 0 < len(found) <= MOST:
        raise BadWorkflow(f"matrix: has {len(found)} combinations: must have 1 to {MOST}")
    return found


def _same(combination: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    return all(combination.get(name) == value for name, value in entry.items())


def suffix(matrix: Mapping[str, Any]) -> str:
    """Return what GitHub adds to a job's name, so that one knows it from the others of its matrix."""
    return f" ({', '.join(to_string(value) for value in matrix.values())})" if matrix else ""
