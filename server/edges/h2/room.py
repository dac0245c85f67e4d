"""Room for messages that are larger than every stream's first window, so that their number cannot fill the memory."""

from __future__ import annotations

from server.edges.h2.codes import LARGEST_WINDOW
from server.edges.h2.frames import window_update
from server.edges.h2.output import Output
from server.edges.h2.stream import Stream


class Room:
    """Sets room aside for the streams of a connection, one after the other as they ask.

    Args:
        limit: how many bytes at a time; one stream has what it needs in any case.
        output: tells the client.
    """

    def __init__(self, limit: int, output: Output) -> None:
        self._limit = limit
        self._output = output
        self._given = 0
        self._asking: dict[int, Stream] = {}
        self._missing: dict[int, int] = {}

    def ask(self, stream: Stream, missing: int) -> None:
        """Let a stream's client send so many bytes, now or when there is room."""
        if missing > stream.window:
            self._asking[stream.number] = stream
            self._missing[stream.number] = missing
            self._give()

    def asked_by(self, stream: Stream) -> bool:
        """Whether a stream waits for room that others have."""
        return stream.number in self._asking

    def forget(self, stream: Stream) -> None:
        """Take back what a stream has."""
        self._asking.pop(stream.number, None)
        self._missing.pop(stream.number, None)
        if stream.room:
            self._given -= stream.room
            stream.room = 0
            self._give()

    def again(self, stream: Stream, taken: int) -> None:
        """Let a stream's client send as much again as was taken of what it sent."""
        stream.window += taken
        self._output.write(window_update(stream.number, taken))

    def _give(self) -> None:
        while self._asking:
            number, stream = next(iter(self._asking.items()))
            more = min(self._missing[number], LARGEST_WINDOW) - stream.window
            if self._given and self._given + more > self._limit:
                return
            del self._asking[number], self._missing[number]
            self._given += more
            stream.room += more
            self.again(stream, more)
