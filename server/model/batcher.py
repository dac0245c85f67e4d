"""The queue of calls: their deadlines, the parts of streamed answers, and batches of calls whose rows are concatenated."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from server.ipc.columnar_table import ColumnarTable
from server.telemetry.call_record import CallRecord

# The window: parts that the model may send before the consumer has taken one; then it waits (back-pressure).
AHEAD = 16
# dtype kinds whose concatenation changes no type: booleans, integers, floats.
KINDS = "biuf"


class Stream:
    """The parts that were received and not taken yet: ``AHEAD`` at most.

    ``ask`` is what has the model's process send one more, ``awaited`` since when somebody waits for one.
    """

    def __init__(self) -> None:
        self.ask: Callable[[], None] | None = None
        self.awaited: float | None = None
        self._parts: deque[Any] = deque()
        self._changed = asyncio.Event()

    def __bool__(self) -> bool:
        """Return whether there is a part."""
        return bool(self._parts)

    def add(self, part: Any) -> None:
        """Take in a part."""
        self._parts.append(part)
        self._changed.set()

    def take(self) -> Any:
        """Return the next part, and ask for one more."""
        part = self._parts.popleft()
        if self.ask is not None:
            self.ask()
        return part

    def end(self, _: object = None) -> None:
        """Mark the end: nothing more comes."""
        self._changed.set()

    async def changed(self) -> None:
        """Wait until something has come, or nothing more comes."""
        self.awaited = asyncio.get_running_loop().time()
        await self._changed.wait()
        self.awaited = None
        self._changed.clear()


@dataclass(slots=True)
class Result:
    """What the model returned: ``value`` is an ndarray, ColumnarTable, rows as lists, a str, bytes or a dict.

    ``names`` are those that its columns have themselves, as of a DataFrame, ``known`` what the fitted model calls the
    columns that its method answers with. ``tags`` and ``metrics`` are what a custom Python model says beside it, as they stand in
    a message's meta; the first of the calls that were answered together has the metrics.
    """

    value: Any
    names: list[str] | None
    known: list[str] | None = None
    tags: dict[str, Any] | None = None
    metrics: list[dict[str, Any]] | None = None


@dataclass(eq=False, repr=False, slots=True)
class Call:
    """A call of the model and the future of its answer.

    ``rows`` is the number of rows of its argument, or 0 where it must be called alone. Where it is answered in parts,
    they come over ``stream``, and the answer is the end. ``record`` gets its times.
    """

    header: dict[str, Any]
    values: list[Any]
    answer: asyncio.Future[Result]
    rows: int = 0
    stream: Stream | None = None
    record: CallRecord | None = None


def rows(header: dict[str, Any], values: list[Any]) -> int:
    """Return the number of rows of an argument that can be batched, or 0.

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
    """Return whether two calls can be one batch: the same header, dtypes and row shapes."""
    return first.header == other.header and all(
        mine.dtype == its.dtype and mine.shape[1:] == its.shape[1:]
        for mine, its in zip(first.values, other.values, strict=True)
    )


def concatenated(calls: Sequence[Call]) -> list[Any]:
    """Return the values of a batch: the rows of all ``calls``."""
    if len(calls) == 1:
        return calls[0].values
    return [np.concatenate(values) for values in zip(*(call.values for call in calls), strict=True)]


def split_result(calls: Sequence[Call], result: Result) -> list[Result] | None:
    """Return the result for each of ``calls`` that were called together, or None where it has not a row for each."""
    if len(calls) == 1:
        return [result]
    value = result.value
    if not isinstance(value, np.ndarray | list | ColumnarTable) or len(value) != sum(
        call.rows for call in calls
    ):
        return None
    parts = []
    start = 0
    for call in calls:
        parts.append(replace(result, value=value[start : start + call.rows]))
        start += call.rows
        result = replace(result, metrics=None)
    return parts


class Batcher:
    """The queue of calls, first in first out: the oldest is always in the next batch, so none starves.

    Args:
        max_rows: how many rows a batch may have; a call with more is a batch of its own.
    """

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._calls: deque[Call] = deque()
        # Halves of batches that failed, and refused batches: they go first.
        self._parts: deque[list[Call]] = deque()

    def __len__(self) -> int:
        return len(self._calls) + sum(map(len, self._parts))

    def add(self, call: Call) -> None:
        """Queue a call."""
        self._calls.append(call)

    def remove(self, call: Call) -> None:
        """Remove a queued call."""
        with suppress(ValueError):
            self._calls.remove(call)

    def halve(self, calls: Sequence[Call]) -> None:
        """Requeue a failed batch first, as two halves, to find the call at fault."""
        middle = len(calls) // 2
        self._parts.extendleft((list(calls[middle:]), list(calls[:middle])))

    def requeue(self, calls: list[Call]) -> None:
        """Requeue a batch that was refused before it was started, first."""
        self._parts.appendleft(calls)

    def take(self) -> list[Call]:
        """Return the next batch: the oldest call and those behind it that can join. It is empty if the queue is.

        Cancelled calls are dropped.
        """
        while self._parts:
            part = [call for call in self._parts.popleft() if not call.answer.done()]
            if part:
                return part
        while self._calls:
            first = self._calls.popleft()
            if not first.answer.done():
                return self._batch(first)
        return []

    def _batch(self, first: Call) -> list[Call]:
        batch = [first]
        rows = first.rows
        if not rows:
            return batch
        passed: list[Call] = []
        while self._calls and rows < self._max_rows:
            call = self._calls.popleft()
            if call.answer.done():
                continue
            if call.rows and rows + call.rows <= self._max_rows and fits(first, call):
                batch.append(call)
                rows += call.rows
            else:
                passed.append(call)
        self._calls.extendleft(reversed(passed))
        return batch

    def clear(self) -> Iterator[Call]:
        """Empty the queue, yielding each call."""
        while batch := self.take():
            yield from batch


class Deadlines:
    """Calls in the order of their deadlines, which is that of their arrival: one timer serves all.

    Args:
        seconds: how long a call may take.
        expire: called with a call whose deadline has passed.
    """

    def __init__(self, seconds: float, expire: Callable[[Call], None]) -> None:
        self._seconds = seconds
        self._expire = expire
        self._ends: dict[Call, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, call: Call) -> None:
        """Start a call's deadline."""
        self._ends[call] = asyncio.get_running_loop().time() + self._seconds
        if self._timer is None:
            self._schedule(self._seconds)

    def remove(self, call: Call) -> None:
        """Cancel a call's deadline."""
        self._ends.pop(call, None)

    def _schedule(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire_due)

    def _expire_due(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer = None
        for call, end in tuple(self._ends.items()):
            if end > now:
                self._schedule(end - now)
                return
            del self._ends[call]
            self._expire(call)
