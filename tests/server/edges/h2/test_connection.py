"""What a connection of HTTP/2 is, over raw bytes: what it must not do, what it may not cost, and how it ends."""

from __future__ import annotations

import itertools
import struct
import time

import pytest

from server.edges.h2 import codes
from server.edges.h2.codes import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    MAX_FRAME_SIZE,
    PADDED,
    PING,
    PREFACE,
    PRIORITISED,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    ErrorCode,
)
from tests.server.edges.grpc.grpc_serving import MAX_MESSAGE, STREAM, Client, frame, framed, serving_grpc
from tests.server.waiting import wait_for

PROTOCOL, FLOW, SIZE, CLOSED, CALM = (
    ErrorCode.PROTOCOL_ERROR,
    ErrorCode.FLOW_CONTROL_ERROR,
    ErrorCode.FRAME_SIZE_ERROR,
    ErrorCode.STREAM_CLOSED,
    ErrorCode.ENHANCE_YOUR_CALM,
)


def number(value: int) -> bytes:
    return value.to_bytes(4)


def setting(which: int, value: int) -> bytes:
    return struct.pack(">HL", which, value)


@pytest.fixture(scope="module")
def edge():
    with serving_grpc("lean") as served:
        yield served


@pytest.fixture
def client(edge):
    with edge.connect() as connected:
        yield connected


# How it begins.


def test_the_server_says_first_what_it_takes(edge):
    with edge.connect(begin=False) as client:
        client.wait(lambda: len(client.frames) == 2)
    said, window = client.frames
    assert (said.kind, said.flags) == (SETTINGS, 0)
    assert said.payload == setting(codes.MAX_CONCURRENT_STREAMS, 1024) + setting(
        codes.MAX_HEADER_LIST_SIZE, 16384
    )
    assert (window.kind, window.stream, window.payload) == (WINDOW_UPDATE, 0, number(2**24 - 65535))


def test_settings_are_acknowledged(client):
    client.send(frame(SETTINGS, 0, 0, setting(99, 1)))
    client.ping()
    assert [one.flags for one in client.frames if one.kind == SETTINGS] == [0, ACK, ACK]


BEGINNINGS = {
    "http-1": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "not-quite": PREFACE[:-1] + b"!",
    "no-settings": PREFACE + frame(PING, 0, 0, b"12345678"),
    "acknowledged-first": PREFACE + frame(SETTINGS, ACK, 0),
}


@pytest.mark.parametrize("sent", BEGINNINGS.values(), ids=BEGINNINGS)
def test_what_does_not_begin_as_http_2(edge, sent):
    with edge.connect(begin=False) as client:
        client.send(sent)
        assert client.goaway().code is PROTOCOL


# What a client must not send: what ends the connection.

HEAD = bytes.fromhex("8386 84")
WRONG = {
    "data-of-no-stream": (frame(DATA, 0, 0), PROTOCOL),
    "data-of-an-idle-stream": (frame(DATA, 0, 1), PROTOCOL),
    "data-of-a-servers-stream": (frame(DATA, 0, 2), PROTOCOL),
    "headers-of-no-stream": (frame(HEADERS, END_HEADERS, 0, HEAD), PROTOCOL),
    "headers-of-a-servers-stream": (frame(HEADERS, END_HEADERS, 2, HEAD), PROTOCOL),
    "headers-of-an-older-stream": (
        frame(HEADERS, END_HEADERS | END_STREAM, 5, HEAD) + frame(HEADERS, END_HEADERS, 3, HEAD),
        PROTOCOL,
    ),
    "padding-longer-than-data": (
        frame(HEADERS, END_HEADERS, 1, HEAD) + frame(DATA, PADDED, 1, b"\5abc"),
        PROTOCOL,
    ),
    "padding-longer-than-headers": (frame(HEADERS, END_HEADERS | PADDED, 1, b"\x09" + HEAD), PROTOCOL),
    "no-padding-length": (frame(HEADERS, END_HEADERS | PADDED, 1), SIZE),
    "no-room-for-a-priority": (frame(HEADERS, END_HEADERS | PRIORITISED, 1, b"\0"), PROTOCOL),
    "no-index": (frame(HEADERS, END_HEADERS, 1, b"\x80"), ErrorCode.COMPRESSION_ERROR),
    "an-index-of-nothing": (frame(HEADERS, END_HEADERS, 1, b"\xfe"), ErrorCode.COMPRESSION_ERROR),
    "a-header-that-is-cut": (frame(HEADERS, END_HEADERS, 1, b"\x40\x05a"), ErrorCode.COMPRESSION_ERROR),
    "a-table-that-is-too-large": (
        frame(HEADERS, END_HEADERS, 1, b"\x3f\xe2\x1f"),
        ErrorCode.COMPRESSION_ERROR,
    ),
    "continuation-of-nothing": (frame(CONTINUATION, END_HEADERS, 1, HEAD), PROTOCOL),
    "continuation-of-another": (
        frame(HEADERS, 0, 1, HEAD) + frame(CONTINUATION, END_HEADERS, 3, HEAD),
        PROTOCOL,
    ),
    "something-within-a-header": (frame(HEADERS, 0, 1, HEAD) + frame(PING, 0, 0, b"12345678"), PROTOCOL),
    "unknown-within-a-header": (frame(HEADERS, 0, 1, HEAD) + frame(99, 0, 0), PROTOCOL),
    "priority-of-no-stream": (frame(PRIORITY, 0, 0, bytes(5)), PROTOCOL),
    "reset-of-no-stream": (frame(RST_STREAM, 0, 0, bytes(4)), PROTOCOL),
    "reset-of-an-idle-stream": (frame(RST_STREAM, 0, 1, bytes(4)), PROTOCOL),
    "reset-of-another-size": (frame(RST_STREAM, 0, 1, bytes(3)), SIZE),
    "settings-of-a-stream": (frame(SETTINGS, 0, 1), PROTOCOL),
    "settings-of-another-size": (frame(SETTINGS, 0, 0, bytes(5)), SIZE),
    "settings-acknowledged-with-some": (frame(SETTINGS, ACK, 0, bytes(6)), SIZE),
    "push-neither-on-nor-off": (frame(SETTINGS, 0, 0, setting(codes.ENABLE_PUSH, 2)), PROTOCOL),
    "a-window-too-large": (frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 2**31)), FLOW),
    "frames-too-small": (frame(SETTINGS, 0, 0, setting(MAX_FRAME_SIZE, 2**14 - 1)), PROTOCOL),
    "frames-too-large": (frame(SETTINGS, 0, 0, setting(MAX_FRAME_SIZE, 2**24)), PROTOCOL),
    "push": (frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + HEAD), PROTOCOL),
    "ping-of-a-stream": (frame(PING, 0, 1, bytes(8)), PROTOCOL),
    "ping-of-another-size": (frame(PING, 0, 0, bytes(7)), SIZE),
    "goaway-of-a-stream": (frame(GOAWAY, 0, 1, bytes(8)), PROTOCOL),
    "goaway-of-another-size": (frame(GOAWAY, 0, 0, bytes(7)), SIZE),
    "window-update-of-another-size": (frame(WINDOW_UPDATE, 0, 0, bytes(3)), SIZE),
    "window-update-by-nothing": (frame(WINDOW_UPDATE, 0, 0, bytes(4)), PROTOCOL),
    "window-update-of-an-idle-stream": (frame(WINDOW_UPDATE, 0, 1, number(1)), PROTOCOL),
    "a-window-that-overflows": (frame(WINDOW_UPDATE, 0, 0, number(2**31 - 1)), FLOW),
    "a-frame-too-large": (frame(DATA, 0, 1, bytes(16_385)), SIZE),
}


@pytest.mark.parametrize(("sent", "code"), WRONG.values(), ids=WRONG)
def test_what_is_no_http_2_ends_the_connection(client, sent, code):
    client.send(sent)
    assert client.goaway().code is code


def test_data_after_the_end_of_a_stream_ends_the_connection(client):
    client.send(client.call(1))
    client.answer(1)
    client.send(frame(DATA, 0, 1))
    assert client.goaway().code is CLOSED


def test_a_window_that_overflows_by_settings_ends_the_connection(client):
    client.send(client.head(1), frame(WINDOW_UPDATE, 0, 1, number(2**31 - 1 - 65_535)))
    client.send(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 65_536)))
    assert client.goaway().code is FLOW


def test_the_end_of_a_connection_says_why_and_what_was_answered(client):
    client.send(client.call(1))
    client.answer(1)
    client.send(frame(DATA, 0, 1, bytes(16_385)))
    end = client.goaway()
    assert end.text == "a frame has 16385 bytes: the limit is 16384"
    assert int.from_bytes(end.payload[:4]) == 1


# What ends a stream only.


def still_answers(client: Client, stream: int) -> bool:
    client.send(client.call(stream))
    return client.answer(stream).message == b"hello"


WRONG_STREAMS = {
    "window-update-by-nothing": (frame(WINDOW_UPDATE, 0, 1, bytes(4)), PROTOCOL),
    "a-window-that-overflows": (frame(WINDOW_UPDATE, 0, 1, number(2**31 - 1)), FLOW),
    "priority-of-another-size": (frame(PRIORITY, 0, 1, bytes(4)), SIZE),
    "data-after-its-end": (frame(DATA, END_STREAM, 1, framed(b"sleep:30")) + frame(DATA, 0, 1), CLOSED),
    "headers-after-its-end": (
        frame(DATA, END_STREAM, 1, framed(b"sleep:30"))
        + frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\0\1a\1b"),
        CLOSED,
    ),
    "a-second-head": (frame(HEADERS, END_HEADERS, 1, b"\0\1a\1b"), PROTOCOL),
    "a-request-line-in-trailers": (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x83"), PROTOCOL),
}


@pytest.mark.parametrize(("sent", "code"), WRONG_STREAMS.values(), ids=WRONG_STREAMS)
def test_what_is_wrong_in_a_stream_ends_that(client, sent, code):
    client.send(client.head(1), sent)
    assert client.reset_of(1) is code
    assert still_answers(client, 3)


def test_data_of_a_stream_that_was_taken_back(client):
    client.send(client.head(1), frame(RST_STREAM, 0, 1, number(8)), frame(DATA, 0, 1))
    assert client.reset_of(1) is CLOSED
    assert still_answers(client, 3)


def test_data_of_a_stream_that_the_server_has_ended_counts_for_nothing(client):
    client.send(client.head(1, _path="/nothing"))
    client.reset_of(1)
    client.send(frame(DATA, 0, 1, bytes(1000)), frame(WINDOW_UPDATE, 0, 1, number(1)))
    client.send(frame(RST_STREAM, 0, 1, number(8)))
    assert still_answers(client, 3)


def test_frames_that_nobody_knows_count_for_nothing(client):
    client.send(frame(99, 0xFF, 7, b"whatever"), frame(PRIORITY, 0, 9, bytes(5)))
    assert still_answers(client, 11)


def test_more_streams_than_are_allowed_are_refused(client):
    client.send(*(client.head(stream) for stream in range(1, 2051, 2)))
    assert client.reset_of(2049) is ErrorCode.REFUSED_STREAM
    client.send(frame(DATA, END_STREAM, 1, framed(b"hello")))
    assert client.answer(1).message == b"hello"
    assert still_answers(client, 2051)


# Windows.


def test_an_answer_waits_for_the_streams_window(edge):
    with edge.connect(initial_window_size=0) as client:
        client.send(client.call(1))
        client.wait(lambda: 1 in client.answers)
        assert client.says_nothing()
        assert client.answers[1].body == b""
        client.send(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 3)))
        client.ping(b"3 bytes.")
        assert len(client.answers[1].body) == 3
        client.send(frame(WINDOW_UPDATE, 0, 1, number(4)))
        client.ping(b"4 bytes.")
        assert len(client.answers[1].body) == 7
        client.send(
            frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 0)), frame(WINDOW_UPDATE, 0, 1, number(3))
        )
        client.ping(b"0 bytes.")
        assert len(client.answers[1].body) == 7
        client.send(frame(WINDOW_UPDATE, 0, 1, number(100)))
        assert client.answer(1).message == b"hello"


def test_an_answer_waits_for_the_connections_window(edge):
    with edge.connect(initial_window_size=0) as client:
        client.send(client.call(1, b"large:100000"), client.call(3, b"large:100000"))
        client.ping()
        client.send(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 2**20)))
        client.wait(lambda: sum(len(answer.body) for answer in client.answers.values()) == 65_535)
        assert client.says_nothing()
        # Each has had its turn.
        assert all(len(client.answers[stream].body) > 16_384 for stream in (1, 3))
        client.send(frame(WINDOW_UPDATE, 0, 0, number(2**20)))
        assert client.answer(1).message == client.answer(3).message == b"y" * 100_000


def test_an_answer_comes_in_frames_as_large_as_the_client_takes(edge):
    for size in (16_384, 50_000):
        with edge.connect(initial_window_size=2**20, max_frame_size=size) as client:
            client.send(frame(WINDOW_UPDATE, 0, 0, number(2**20)), client.call(1, b"large:100000"))
            client.answer(1)
            assert max(len(one.payload) for one in client.frames if one.kind == DATA) == size


def test_a_large_message_gets_the_window_that_it_needs(client):
    body = framed(b"x" * 500_000)
    client.send(client.head(1), frame(DATA, 0, 1, body[:1000]))
    client.wait(lambda: any(one.kind == WINDOW_UPDATE and one.stream == 1 for one in client.frames))
    for at in range(1000, len(body), 16_000):
        client.send(frame(DATA, 0, 1, body[at : at + 16_000]))
    client.send(frame(DATA, END_STREAM, 1), frame(WINDOW_UPDATE, 0, 0, number(2**20)))
    client.send(frame(WINDOW_UPDATE, 0, 1, number(2**20)))
    assert client.answer(1).body == body


def test_large_messages_wait_for_each_other(edge):
    """So many that there is no room for all at once, each as large as it may be."""
    streams = range(1, 13, 2)
    with edge.connect(initial_window_size=2**20) as client:
        body = framed(b"sleep:0" + b" " * (MAX_MESSAGE - 7))
        client.send(frame(WINDOW_UPDATE, 0, 0, number(2**25)))
        client.send(*(client.head(stream) + frame(DATA, 0, stream, body[:10]) for stream in streams))
        client.ping()
        given = [one.stream for one in client.frames if one.kind == WINDOW_UPDATE and one.stream]
        assert given == [1, 3]
        for count, stream in enumerate(streams, start=1):
            client.wait(lambda stream=stream: stream in updated(client))
            for at in range(10, len(body), 16_384):
                client.send(frame(DATA, 0, stream, body[at : at + 16_384]))
            client.send(frame(DATA, END_STREAM, stream))
            assert client.answer(stream).body == body
            client.ping(b"%8d" % count)


def updated(client: Client) -> set[int]:
    return {one.stream for one in client.frames if one.kind == WINDOW_UPDATE}


def test_more_than_the_window_ends_the_stream(client):
    client.send(client.head(1, _path=STREAM))
    client.send(*(frame(DATA, 0, 1, framed(b"sleep:5" + b" " * 16_000)) for _ in range(5)))
    assert client.reset_of(1) is FLOW
    assert still_answers(client, 3)


def test_padding_is_given_back(client):
    client.send(client.head(1))
    for _ in range(400):
        client.send(frame(DATA, PADDED, 1, b"\xff" + bytes(255)))
    client.send(frame(DATA, END_STREAM, 1, framed(b"hello")))
    assert client.answer(1).message == b"hello"


def test_answers_that_nobody_takes_do_not_pile_up(edge):
    """Calls wait to be begun while as much as is allowed waits for their client."""
    with edge.connect(initial_window_size=0) as client:
        before = len(edge.application.started)
        for stream in range(1, 21, 2):
            client.send(client.call(stream, b"large:%d" % MAX_MESSAGE))
            client.ping(b"%8d" % stream)
            time.sleep(0.05)
        assert len(edge.application.started) - before == 2
        client.send(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 2**21)))
        client.send(frame(WINDOW_UPDATE, 0, 0, number(2**26)))
        for stream in range(1, 21, 2):
            assert len(client.answer(stream).message) == MAX_MESSAGE


def test_a_client_that_does_not_read_is_not_heard(edge):
    """So the answers to it do not fill the memory."""
    with edge.connect(receive_buffer=4096, initial_window_size=2**30) as client:
        client.send(frame(WINDOW_UPDATE, 0, 0, number(2**30)))
        streams = iter(range(1, 2**31, 2))
        client.sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            send_calls(client, streams, most=200_000)
        assert next(streams) < 200_000


def send_calls(client, streams, most):
    for stream in itertools.islice(streams, most):
        client.send(client.call(stream, b"large:9999"))


# What only costs.


@pytest.mark.parametrize(
    "sent",
    [
        frame(PING, 0, 0, bytes(8)),
        frame(SETTINGS, 0, 0),
        frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 100) * 2000),
        frame(PRIORITY, 0, 1, bytes(5)),
        frame(WINDOW_UPDATE, 0, 0, number(1)),
        frame(RST_STREAM, 0, 1, number(8)),
        frame(99, 0, 0),
        frame(DATA, 0, 3),
    ],
    ids=["ping", "settings", "many-settings", "priority", "window-update", "reset", "unknown", "empty-data"],
)
def test_a_flood_of_frames_that_ask_for_nothing_ends_the_connection(edge, sent):
    with edge.connect() as client:
        client.send(client.call(1), client.head(3))
        client.answer(1)
        end = flooded(client, lambda: sent * 500, 200)
    assert end.code is CALM
    assert end.text == "more than 10000 frames asked for nothing, and 1000 per second"


def flooded(client, made, most):
    """Send what is made until the server ends the connection; return its GOAWAY."""
    for _ in range(most):
        try:
            client.send(made())
        except OSError:
            break
        client.sock.settimeout(0.001)
        try:
            if not client.receive():
                break
        except TimeoutError:
            pass
        client.sock.settimeout(30)
    client.sock.settimeout(30)
    return client.goaway()


def test_a_flood_of_requests_that_are_taken_back_ends_the_connection(edge):
    with edge.connect() as client:
        stream = -1

        def taken_back():
            nonlocal stream
            sent = []
            for _ in range(100):
                stream += 2
                sent += [client.call(stream, b"sleep:30"), frame(RST_STREAM, 0, stream, number(8))]
            return b"".join(sent)

        end = flooded(client, taken_back, 100)
    assert end.code is CALM
    assert end.text == "more than 1000 requests were taken back, and 33 per second"
    wait_for(lambda: len(edge.application.cancelled) == edge.application.started.count(b"sleep:30"))


def test_a_flood_of_requests_that_go_wrong_ends_the_connection(edge):
    with edge.connect() as client:
        stream = -1

        def wrong():
            nonlocal stream
            sent = []
            for _ in range(100):
                stream += 2
                sent += [client.call(stream, b"sleep:30"), frame(WINDOW_UPDATE, 0, stream, number(0))]
            return b"".join(sent)

        assert flooded(client, wrong, 100).code is CALM


def test_a_header_without_an_end_ends_the_connection(client):
    client.send(frame(HEADERS, 0, 1, HEAD), frame(CONTINUATION, 0, 1) * 100)
    assert client.goaway().code is CALM


def test_a_header_that_is_too_large_ends_the_connection(client):
    client.send(frame(HEADERS, 0, 1, HEAD), frame(CONTINUATION, 0, 1, bytes(16_000)) * 3)
    end = client.goaway()
    assert end.code is CALM
    assert end.text == "a request's header is too large: it may have 32768 bytes in 64 frames"


def test_a_header_that_grows_when_it_is_decoded_ends_the_connection(client):
    big = client.encoder.encode([("x-a", "v" * 4000)], huffman=False)
    client.send(frame(HEADERS, 0, 1, HEAD + big))
    client.send(frame(CONTINUATION, END_HEADERS, 1, b"\xbe" * 1000))
    assert client.goaway().code is CALM


def test_ordinary_pings_and_cancels_are_no_flood(edge):
    with edge.connect(initial_window_size=2**20) as client:
        for stream in range(1, 2001, 2):
            client.send(client.call(stream), frame(PING, 0, 0, bytes(8)) * 8)
            client.answer(stream)
            client.send(frame(WINDOW_UPDATE, 0, 0, number(100)))
        client.ping()


def test_large_answers_may_be_taken_by_many_small_updates(edge):
    with edge.connect() as client:
        for stream in range(1, 201, 2):
            client.send(client.call(stream, b"large:990000"))
            while not (stream in client.answers and client.answers[stream].ended):
                client.frames.clear()
                assert client.receive(), client.frames
                taken = [one for one in client.frames if one.kind == DATA]
                sizes = [(one.stream, number(len(one.payload))) for one in taken]
                client.send(*(frame(WINDOW_UPDATE, 0, at, size) for s, size in sizes for at in (0, s)))


def test_updates_of_streams_that_have_ended_are_a_flood(edge):
    with edge.connect() as client:
        client.send(client.call(1))
        client.answer(1)
        client.send(*[frame(WINDOW_UPDATE, 0, 1, number(16384))] * 12_000)
        assert client.goaway().code is CALM


# Time.


def test_a_connection_that_does_not_begin_is_ended():
    with serving_grpc("lean", read_seconds=0.3) as edge, edge.connect(begin=False) as client:
        client.send(PREFACE[:10])
        end = client.goaway()
    assert end.code is CALM
    assert end.text == "a frame has not come in 0.3 seconds: send it faster, or raise SERVER_READ_SECONDS"


def test_a_frame_that_does_not_come_whole_ends_the_connection():
    with serving_grpc("lean", read_seconds=0.3) as edge, edge.connect() as client:
        client.ping()
        client.send(frame(PING, 0, 0, bytes(8))[:12])
        assert client.goaway().code is CALM


def test_a_request_that_does_not_come_whole_ends_by_its_status():
    with serving_grpc("lean", read_seconds=0.3) as edge, edge.connect() as client:
        client.send(client.head(1), frame(DATA, 0, 1, framed(b"hello")[:7]))
        assert client.answer(1).status == (
            4,
            "the request has not come in 0.3 seconds and a second for every 16384 bytes: send it faster, or raise "
            "SERVER_READ_SECONDS",
        )
        assert still_answers(client, 3)


def test_a_stream_may_be_silent_between_its_messages():
    with serving_grpc("lean", read_seconds=0.3) as edge, edge.connect() as client:
        client.send(client.head(1, _path=STREAM), frame(DATA, 0, 1, framed(b"one")))
        time.sleep(1)
        client.send(frame(DATA, END_STREAM, 1, framed(b"two")))
        assert client.answer(1).body == framed(b"one") + framed(b"two")


def test_an_answer_that_nobody_takes_is_given_up():
    with serving_grpc("lean", read_seconds=0.3) as edge, edge.connect(initial_window_size=0) as client:
        client.send(client.call(1))
        assert client.reset_of(1) is ErrorCode.CANCEL
        client.send(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW_SIZE, 100)))
        assert still_answers(client, 3)


def test_a_client_that_reads_nothing_is_given_up():
    with (
        serving_grpc("lean", read_seconds=0.3) as edge,
        edge.connect(receive_buffer=4096, initial_window_size=2**30) as client,
    ):
        client.send(frame(WINDOW_UPDATE, 0, 0, number(2**30)), client.call(1, b"sleep:20"))
        # More than the system takes.
        client.send(*(client.call(stream, b"large:9999") for stream in range(3, 2003, 2)))
        wait_for(lambda: edge.application.cancelled)


def test_a_silent_client_is_asked_whether_it_is_there():
    with serving_grpc("lean", idle_seconds=0.3, read_seconds=2) as edge:
        with edge.connect() as client:
            for count in (1, 2, 3):
                client.wait(lambda count=count: len(pings(client)) == count)
                client.send(frame(PING, ACK, 0, pings(client)[-1].payload))
            client.wait(lambda: False, closed=True)
        assert len(pings(client)) >= 4


def pings(client):
    return [one for one in client.frames if one.kind == PING and not one.flags]


# Connections.


def test_a_connection_too_many_is_told_so():
    with serving_grpc("lean", max_connections=2) as edge, edge.connect() as first, edge.connect():
        first.ping()
        with edge.connect() as third:
            end = third.goaway()
        assert end.code is CALM
        assert end.text == (
            "the server has 2 connections: it takes no more; send the request again, or raise SERVER_MAX_CONNECTIONS"
        )
        assert still_answers(first, 1)


def test_a_connection_that_ends_makes_room():
    with serving_grpc("lean", max_connections=1) as edge:
        for _ in range(3):
            wait_for(lambda: is_taken(edge))


def is_taken(edge):
    with edge.connect() as client:
        client.send(client.call(1))
        client.wait(lambda: 1 in client.answers, closed=True)
        return 1 in client.answers


def test_a_client_that_says_that_it_goes_gets_its_answers(edge):
    with edge.connect() as client:
        client.send(client.call(1, b"sleep:0.3"), frame(GOAWAY, 0, 0, bytes(8)))
        assert client.answer(1).message == b"sleep:0.3"
        client.wait(lambda: False, closed=True)


def test_a_client_that_says_that_it_goes_gets_large_answers_whole(edge, caplog):
    with edge.connect(receive_buffer=4096, initial_window_size=2**30) as client:
        client.send(frame(WINDOW_UPDATE, 0, 0, number(2**30)), client.call(1, b"large:900000"))
        client.send(client.call(3, b"large:9000000"), frame(GOAWAY, 0, 0, bytes(8)))
        time.sleep(0.5)
        assert len(client.answer(1).message) == 900_000
        assert len(client.answer(3).message) == 9_000_000
        client.wait(lambda: False, closed=True)
    assert not caplog.records


def test_a_client_that_goes_gets_an_answer_that_it_takes_slowly(edge):
    with edge.connect(receive_buffer=4096, initial_window_size=2**24) as client:
        client.send(frame(WINDOW_UPDATE, 0, 0, number(2**24)), client.call(1, b"large:900000"))
        client.send(frame(GOAWAY, 0, 0, bytes(8)))
        wait_for(lambda: b"large:900000" in edge.application.started)
        time.sleep(0.3)
        # The server has sent all that it has to; this must not have it thrown away.
        client.send(frame(WINDOW_UPDATE, 0, 0, number(16384)))
        time.sleep(0.1)
        assert len(client.answer(1).message) == 900_000


# The server's end.


def test_a_server_that_ends_answers_what_it_has_and_what_is_on_its_way():
    with serving_grpc("lean") as edge, edge.connect() as client:
        client.send(client.call(1, b"sleep:1"))
        client.ping()
        edge.stop()
        client.wait(lambda: any(one.kind == GOAWAY for one in client.frames))
        first = next(one for one in client.frames if one.kind == GOAWAY)
        assert (first.code, first.payload[:4]) == (ErrorCode.NO_ERROR, number(2**31 - 1))
        client.send(client.call(3, b"on its way"))
        client.wait(lambda: pings(client))
        client.send(frame(PING, ACK, 0, pings(client)[0].payload))
        assert client.answer(3).message == b"on its way"
        client.send(client.call(5, b"too late"))
        assert client.answer(1).message == b"sleep:1"
        assert client.goaway().payload[:4] == number(3)
        assert 5 not in client.answers
        assert edge.ended()


def test_a_server_that_ends_closes_what_is_idle():
    with serving_grpc("lean") as edge, edge.connect() as client, edge.connect(begin=False) as silent:
        client.ping()
        edge.stop()
        client.goaway()
        silent.wait(lambda: False, closed=True)
        assert edge.ended(10)


def test_a_server_that_ends_waits_no_longer_than_it_may():
    with serving_grpc("lean", drain=0.3) as edge, edge.connect() as client:
        client.send(client.call(1, b"sleep:30"))
        client.ping()
        edge.stop()
        assert edge.ended(10)
        assert edge.application.cancelled == [b"sleep:30"]


def test_a_request_that_comes_too_late_may_be_taken_back():
    with serving_grpc("lean") as edge, edge.connect() as client:
        client.send(client.call(1, b"sleep:2"))
        client.ping()
        edge.stop()
        client.wait(lambda: sum(one.kind == GOAWAY for one in client.frames) == 2)
        client.send(client.call(3), frame(WINDOW_UPDATE, 0, 3, number(5)), frame(RST_STREAM, 0, 3, number(8)))
        assert client.answer(1).message == b"sleep:2"
