"""What the frames of a client do, and which of them HTTP/2 does not allow.

Source: https://www.rfc-editor.org/rfc/rfc9113#section-6
"""

from __future__ import annotations

from collections.abc import Callable

from server.edges.h2.codes import (
    ACK,
    CONTINUATION,
    INITIAL_WINDOW_SIZE,
    MAX_FRAME_SIZE,
    PING,
    SETTINGS,
    ErrorCode,
    H2Error,
    StreamError,
)
from server.edges.h2.context import Context
from server.edges.h2.frames import LOW_31, NUMBER, frame
from server.edges.h2.requests import Requests
from server.edges.h2.settings import read_settings

PRIORITY_BYTES, PING_BYTES, LEAST_GOAWAY_BYTES = 5, 8, 8
# A window that grows by as much costs no patience: a client takes large answers so, and no window grows for ever.
LEAST_UPDATE = 1024
# What applying a client's settings costs: for each setting, and for so many streams.
SETTING_BYTES, STREAMS_PER_FRAME = 6, 16


class Receiver:
    """The receiving side of a connection. ``settled`` is true when the client has said what it takes.

    Args:
        context: the connection's parts.
        requests: gets the frames that requests consist of.
        ponged: gets a PING's answer.
        leave: is called when the client wants no more answers than those under way.
    """

    def __init__(
        self,
        context: Context,
        requests: Requests,
        ponged: Callable[[bytes], None],
        leave: Callable[[], None],
    ) -> None:
        self.settled = False
        self._streams = context.streams
        self._output = context.output
        self._patience = context.patience
        self._requests = requests
        self._ponged = ponged
        self._leave = leave
        self._handlers: tuple[Callable[[int, int, bytes], None], ...] = (
            *(requests.data, requests.headers, self._priority, self._reset, self._settings),
            *(self._push_promise, self._ping, self._goaway, self._window_update, requests.continuation),
        )

    def take(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        """Take a frame.

        Raises:
            H2Error: it ends the connection.
        """
        if self._requests.partial and kind != CONTINUATION:
            raise H2Error(ErrorCode.PROTOCOL_ERROR, "a header's frames must follow each other")
        if not self.settled and (kind != SETTINGS or flags & ACK):
            raise H2Error(ErrorCode.PROTOCOL_ERROR, "the first frame must be SETTINGS")
        if kind >= len(self._handlers):
            self._patience.control()
            return
        try:
            self._handlers[kind](flags, number, payload)
        except StreamError as error:
            self._streams.wrong(number, error.code)

    def _priority(self, _: int, number: int, payload: bytes) -> None:
        self._patience.control()
        _of_a_stream("PRIORITY", number)
        if len(payload) != PRIORITY_BYTES:
            raise StreamError(ErrorCode.FRAME_SIZE_ERROR, f"PRIORITY has {PRIORITY_BYTES} bytes")

    def _reset(self, _: int, number: int, payload: bytes) -> None:
        self._patience.control()
        _sized("RST_STREAM", payload, NUMBER.size)
        self._begun(number)
        self._streams.taken_back(number)

    def _settings(self, flags: int, number: int, payload: bytes) -> None:
        open_ = self._streams.open
        self._patience.control(1 + len(payload) // SETTING_BYTES + len(open_) // STREAMS_PER_FRAME)
        values = read_settings(flags, number, payload)
        if not flags & ACK:
            self.settled = True
            self._output.write(frame(SETTINGS, ACK, 0))
            self._output.frame_size = values.get(MAX_FRAME_SIZE, self._output.frame_size)
            if INITIAL_WINDOW_SIZE in values:
                self._output.begin_with(values[INITIAL_WINDOW_SIZE], open_.values())

    def _push_promise(self, _: int, __: int, ___: bytes) -> None:
        raise H2Error(ErrorCode.PROTOCOL_ERROR, "a client does not push")

    def _ping(self, flags: int, number: int, payload: bytes) -> None:
        self._patience.control()
        _of_the_connection("PING", number)
        _sized("PING", payload, PING_BYTES)
        if flags & ACK:
            self._ponged(payload)
        else:
            self._output.write(frame(PING, ACK, 0, payload))

    def _goaway(self, _: int, number: int, payload: bytes) -> None:
        self._patience.control()
        _of_the_connection("GOAWAY", number)
        if len(payload) < LEAST_GOAWAY_BYTES:
            raise H2Error(ErrorCode.FRAME_SIZE_ERROR, f"GOAWAY has {LEAST_GOAWAY_BYTES} bytes or more")
        self._leave()

    def _window_update(self, _: int, number: int, payload: bytes) -> None:
        _sized("WINDOW_UPDATE", payload, NUMBER.size)
        more = NUMBER.unpack(payload)[0] & LOW_31
        if more < LEAST_UPDATE or (number and number not in self._streams.open):
            self._patience.control()
        if not number:
            if not more:
                raise H2Error(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by 0")
            self._output.allow(more)
            return
        self._begun(number)
        stream = self._streams.open.get(number)
        if stream is not None:
            if not more:
                raise StreamError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by 0")
            self._output.allow_stream(stream, more)

    def _begun(self, number: int) -> None:
        if self._streams.idle(number):
            raise H2Error(ErrorCode.PROTOCOL_ERROR, f"stream {number} has not begun")


def _sized(name: str, payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise H2Error(ErrorCode.FRAME_SIZE_ERROR, f"{name} has {size} bytes")


def _of_the_connection(name: str, number: int) -> None:
    if number:
        raise H2Error(ErrorCode.PROTOCOL_ERROR, f"{name} has a stream")


def _of_a_stream(name: str, number: int) -> None:
    if not number:
        raise H2Error(ErrorCode.PROTOCOL_ERROR, f"{name} has no stream")
