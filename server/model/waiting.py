"""The calls that wait for the model, and which of them are answered together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress

from server.model.batch import Call, fits


class Waiting:
    """Calls in the order that they came in; the first is always in the next batch, so none waits for ever.

    Args:
        most_rows: how many rows a batch may have; a call with more is a batch of its own.
    """

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._calls: deque[Call] = deque()
        # What failed together, to be tried in parts before anything else.
        self._parts: deque[list[Call]] = deque()

    def __len__(self) -> int:
        return len(self._calls) + sum(map(len, self._parts))

    def add(self, call: Call) -> None:
        """Put a call behind all others."""
        self._calls.append(call)

    def remove(self, call: Call) -> None:
        """Forget a call, if it waits alone."""
        with suppress(ValueError):
            self._calls.remove(call)

    def halve(self, calls: Sequence[Call]) -> None:
        """Put back calls that could not be answered together, before all others, as two batches."""
        middle = len(calls) // 2
        self._parts.extendleft((list(calls[middle:]), list(calls[:middle])))

    def again(self, calls: list[Call]) -> None:
        """Put back a batch that was not begun, before all others."""
        self._parts.appendleft(calls)

    def take(self) -> list[Call]:
        """Return the next batch: the first call and those behind it that fit it. It is empty if nobody waits.

        Calls whose answer nobody awaits any more are dropped.
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
        while self._calls and rows < self._most_rows:
            call = self._calls.popleft()
            if call.answer.done():
                continue
            if call.rows and rows + call.rows <= self._most_rows and fits(first, call):
                batch.append(call)
                rows += call.rows
            else:
                passed.append(call)
        self._calls.extendleft(reversed(passed))
        return batch

    def clear(self) -> Iterator[Call]:
        """Yield every call, which waits no more."""
        while batch := self.take():
            yield from batch
