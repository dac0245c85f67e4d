"""Calls that one call of the model answers: their rows one after the other, and its result's rows given back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from server.model.stream import Stream
from server.model.worker.table import Columns

# What can be put together without a change of type: numbers and booleans.
KINDS = "biuf"


@dataclass(slots=True)
class Result:
    """What the model returned: ``value`` is an ndarray, Columns, rows as lists, a str, bytes or a dict.

    ``names`` are those that its columns have themselves, as of a DataFrame, ``known`` what the fitted model calls the
    columns that its method answers with.
    """

    value: Any
    names: list[str] | None
    known: list[str] | None = None


@dataclass(eq=False, repr=False, slots=True)
class Call:
    """A call of the model, and the answer that somebody awaits.

    ``rows`` is the number of rows of its argument, or 0 where it must be called alone. Where it is answered in parts,
    they come over ``stream``, and the answer is the end.
    """

    header: dict[str, Any]
    values: list[Any]
    answer: asyncio.Future[Result]
    rows: int = 0
    stream: Stream | None = None


def rows(header: dict[str, Any], values: list[Any]) -> int:
    """Return the number of rows of an argument that may stand beside others', or 0.

    It consists of arrays of numbers, and nothing of it is made from other values in the model's process.
    """
    if header.get("convert") or not values or header["as"] == "value":
        return 0
    for value in values:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in KINDS or value.ndim == 0:
            return 0
        if value.shape[0] != values[0].shape[0]:
            return 0
    return int(values[0].shape[0])


def fits(first: Call, other: Call) -> bool:
    """Return whether two calls differ in nothing but the number and content of their rows."""
    return first.header == other.header and all(
        mine.dtype == its.dtype and mine.shape[1:] == its.shape[1:]
        for mine, its in zip(first.values, other.values, strict=True)
    )


def joined(calls: Sequence[Call]) -> list[Any]:
    """Return the values of the call that has the rows of all ``calls``, which fit."""
    if len(calls) == 1:
        return calls[0].values
    return [np.concatenate(values) for values in zip(*(call.values for call in calls), strict=True)]


def parted(calls: Sequence[Call], result: Result) -> list[Result] | None:
    """Return the result for each of ``calls`` that were called together, or None where it has not a row for each."""
    if len(calls) == 1:
        return [result]
    value = result.value
    if not isinstance(value, np.ndarray | list | Columns) or len(value) != sum(call.rows for call in calls):
        return None
    parts = []
    start = 0
    for call in calls:
        parts.append(replace(result, value=value[start : start + call.rows]))
        start += call.rows
    return parts
