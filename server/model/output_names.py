"""The names of an answer's columns, decided here only, never by the request's names or their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from server.ipc.columnar_table import ColumnarTable
from server.model.batcher import Result


def names(result: Result, stated: list[str] | None) -> list[str]:
    """Return the names of an answer's columns.

    They are those that the answer brings itself, as a DataFrame does, in its order; else those of the output signature,
    ``stated``; else what the fitted model calls the columns of this method's answers (server.worker.output_names); else
    t:0, t:1 … as the stock wrapper has it, and none for a row of values. The numbers by which a DataFrame counts columns
    that nobody named come after what others call them.
    """
    shape = _shape(result.value)
    if shape is None:
        return []
    width = shape[1] if len(shape) > 1 else 1
    own = result.names
    if own is not None and own != [str(index) for index in range(len(own))]:
        return own
    for found in (stated, result.known, own):
        if found is not None and len(found) == width:
            return found
    return [] if len(shape) == 1 else [f"t:{index}" for index in range(width)]


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape of a table, of which the first two axes count, or None for another value."""
    if isinstance(value, np.ndarray):
        return tuple(value.shape)
    if isinstance(value, ColumnarTable):
        return len(value), value.width
    if isinstance(value, list):
        return (len(value), len(value[0])) if value and isinstance(value[0], list) else (len(value),)
    return None
