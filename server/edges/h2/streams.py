"""The streams of a connection, from their first frame to their last.

Source: https://www.rfc-editor.org/rfc/rfc9113#section-5
"""

from __future__ import annotations

from collections.abc import Callable

from server.edges.h2.codes import LAST_STREAM, ErrorCode, H2Error, StreamError
from server.edges.h2.ended import End, Ended
from server.edges.h2.frames import reset
from server.edges.h2.output import Output
from server.edges.h2.patience import Patience
from server.edges.h2.room import Room
from server.edges.h2.stream import Stream


class Streams:
    """The streams of a connection.

    ``open`` has those that have not ended, ``last`` is the number of the newest, and those over ``final`` count for nothing.

    Args:
        output: what they send by.
        room: what large messages need.
        patience: what those cost that come to nothing.
        changed: is called when one has ended.
    """

    def __init__(self, output: Output, room: Room, patience: Patience, changed: Callable[[], None]) -> None:
        self.open: dict[int, Stream] = {}
        self.last = 0
        self.final = LAST_STREAM
        self._ended = Ended()
        self._output = output
        self._room = room
        self._patience = patience
        self._changed = changed

    def idle(self, number: int) -> bool:
        """Whether no frame of a stream has come yet; of one that counts for nothing, some may have."""
        return self.last < number <= self.final or not number & 1

    def answered(self, stream: Stream) -> None:
        """Forget a stream whose answer is sent, and have its client send no more."""
        self._patience.answered()
        if stream.ended:
            self._close(stream, End.WHOLE)
        else:
            self.give_up(stream, ErrorCode.NO_ERROR)

    def give_up(self, stream: Stream, code: ErrorCode) -> None:
        """End a stream by this side."""
        self._output.write(reset(stream.number, code))
        stream.cancelled()
        self._close(stream, End.LEFT)

    def taken_back(self, number: int) -> None:
        """End a stream by its client.

        Raises:
            H2Error: it does that too often.
        """
        stream = self.open.get(number)
        if stream is not None:
            self._patience.reset()
            stream.cancelled()
            self._close(stream, End.RESET)

    def wrong(self, number: int, code: ErrorCode) -> None:
        """End a stream whose client does what it may not.

        Raises:
            H2Error: it does that too often.
        """
        if code is not ErrorCode.REFUSED_STREAM:
            self._patience.reset()
        stream = self.open.get(number)
        if stream is not None:
            self.give_up(stream, code)
            return
        self._output.write(reset(number, code))
        if not self.idle(number):
            self._ended.add(number, End.LEFT)

    def cancel(self) -> None:
        """End all, since the connection does."""
        for stream in tuple(self.open.values()):
            stream.cancelled()
            self._close(stream, End.RESET)

    def judge(self, number: int) -> None:
        """Take notice of DATA or HEADERS of a stream that is not open.

        Raises:
            StreamError: its client has taken it back before.
            H2Error: there is no such stream, or it has come to its end.
        """
        if number > self.final:
            return
        if self.idle(number):
            raise H2Error(ErrorCode.PROTOCOL_ERROR, f"stream {number} has not begun")
        end = self._ended.get(number)
        if end is End.RESET:
            raise StreamError(ErrorCode.STREAM_CLOSED, "the stream has ended")
        if end is not End.LEFT:
            raise H2Error(ErrorCode.STREAM_CLOSED, f"stream {number} has ended")

    def judge_head(self, number: int) -> None:
        """Take notice of HEADERS of a stream that is not open and may not be opened.

        Raises:
            StreamError: its client has taken it back before.
            H2Error: it comes after newer ones, or it has come to its end.
        """
        if number <= self.last and self._ended.get(number) is None:
            raise H2Error(ErrorCode.PROTOCOL_ERROR, f"stream {number} comes after {self.last}")
        self.judge(number)

    def _close(self, stream: Stream, end: End) -> None:
        del self.open[stream.number]
        self._ended.add(stream.number, end)
        if stream.rest:
            self._output.forget(stream)
        self._room.forget(stream)
        if not self.open:
            self._changed()
