"""Whatever a client sends, and however it comes in parts."""

from __future__ import annotations

import asyncio
import itertools
import struct

import uvloop
from hpack import Decoder, Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from server.edges.grpc.head import Method, Reply
from server.edges.grpc.server import shared_by
from server.edges.h2 import codes
from server.edges.h2.connection import Connection
from tests.server.edges.grpc.grpc_serving import HEADERS, UNARY, frame, framed

BEGIN = codes.PREFACE + frame(codes.SETTINGS, 0, 0)


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.closed = False

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def get_write_buffer_size(self):
        return 0

    def is_closing(self):
        return self.closed

    def write(self, data):
        self.written += data

    def write_eof(self):
        pass

    def close(self):
        self.closed = True

    def frames(self):
        """Return what was written as (kind, flags, stream, payload)."""
        data, found = self.written, []
        while data:
            size = int.from_bytes(data[:3])
            found.append((data[3], data[4], int.from_bytes(data[5:9]), data[9 : 9 + size]))
            data = data[9 + size :]
        return found


async def echo(body, _):
    return Reply(body)


async def heard(parts):
    """Return the frames that a connection answers to bytes that come in these parts."""
    methods = {UNARY: Method(unary=echo)}
    shared = shared_by(methods, 100_000, max_connections=9, idle_seconds=9, read_seconds=9)
    connection, wire = Connection(shared), Wire()
    connection.connection_made(wire)
    for part in parts:
        connection.data_received(part)
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    frames = wire.frames()
    connection.connection_lost(None)
    await asyncio.sleep(0)
    return frames


def answers(frames):
    """Return by its stream what was answered, as it is read."""
    decoder, found = Decoder(), {}
    for kind, _, stream, payload in frames:
        if kind == codes.HEADERS:
            found[stream] = (*found.get(stream, ()), *map(tuple, decoder.decode(payload)))
        elif kind == codes.DATA:
            found[stream] = (*found.get(stream, ()), payload)
    return found


def conversation():
    encoder = Encoder()
    sent = BEGIN
    for stream, body in ((1, b"one"), (3, b""), (5, b"x" * 5000), (7, b"last")):
        sent += frame(codes.HEADERS, codes.END_HEADERS, stream, encoder.encode(list(HEADERS.items())))
        for part in (framed(body)[:3], framed(body)[3:]):
            sent += frame(codes.DATA, 0, stream, part)
        sent += frame(codes.DATA, codes.END_STREAM, stream) + frame(codes.PING, 0, 0, b"%8d" % stream)
    return sent


CONVERSATION = conversation()
WHOLE = answers(uvloop.run(heard([CONVERSATION])))


def test_the_conversation_is_one():
    assert sorted(WHOLE) == [1, 3, 5, 7]
    assert framed(b"one") in WHOLE[1]


@given(cuts=st.lists(st.integers(0, len(CONVERSATION)), max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_parts_get_the_same_answers(cuts):
    places = [0, *sorted(cuts), len(CONVERSATION)]
    parts = [CONVERSATION[start:end] for start, end in itertools.pairwise(places)]
    assert answers(uvloop.run(heard(parts))) == WHOLE


def code(frames):
    """Return the code that the connection ends with, if it does."""
    (payload,) = [payload for kind, _, _, payload in frames if kind == codes.GOAWAY] or [None]
    return None if payload is None else codes.ErrorCode(struct.unpack_from(">L", payload, 4)[0])


@given(garbage=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_bytes_that_are_no_preface_end_the_connection(garbage):
    ended = code(uvloop.run(heard([garbage])))
    assert ended is (None if codes.PREFACE.startswith(garbage) else codes.ErrorCode.PROTOCOL_ERROR)


FRAMES = st.builds(
    frame,
    st.integers(0, 11),
    st.sampled_from([0, 1, 4, 5, 8, 0x20, 0x25, 0x2D]),
    st.integers(0, 9),
    st.one_of(
        st.binary(max_size=40),
        st.just(Encoder().encode(list(HEADERS.items()))),
        st.just(framed(b"hello")),
        st.just(bytes(4)),
        st.just(b"\0\0\1\0"),
    ),
)


@given(sent=st.lists(FRAMES, max_size=25), tail=st.binary(max_size=20))
@settings(max_examples=600, deadline=None)
def test_any_frames_are_answered_or_end_the_connection_by_its_rules(sent, tail):
    ended = code(uvloop.run(heard([BEGIN + b"".join(sent), tail])))
    assert ended is not codes.ErrorCode.INTERNAL_ERROR


@given(place=st.integers(len(BEGIN), len(CONVERSATION) - 1), value=st.integers(0, 255))
@settings(max_examples=400, deadline=None)
def test_a_byte_that_is_another_harms_nothing(place, value):
    changed = CONVERSATION[:place] + bytes((value,)) + CONVERSATION[place + 1 :]
    ended = code(uvloop.run(heard([changed])))
    assert ended is not codes.ErrorCode.INTERNAL_ERROR
