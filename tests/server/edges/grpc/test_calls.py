"""What a call is, over raw bytes: by the server's own edge and, as a check of these tests, by grpcio's server.

Where grpcio does otherwise, the test says so.
"""

from __future__ import annotations

import gzip
import zlib

import pytest

from server.edges.h2.blocks import literal
from server.edges.h2.codes import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PRIORITISED,
    PRIORITY,
    RST_STREAM,
    WINDOW_UPDATE,
    ErrorCode,
)
from tests.server.edges.grpc.grpc_serving import HEADERS as FIELDS
from tests.server.edges.grpc.grpc_serving import MAX_MESSAGE, STREAM, frame, framed, serving_grpc
from tests.server.waiting import wait_for

OK, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = (
    0,
    2,
    3,
    4,
    8,
    12,
    13,
)


@pytest.fixture(scope="module", params=["lean", "grpcio"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def edge(kind):
    with serving_grpc(kind) as served:
        yield served


@pytest.fixture
def client(edge):
    with edge.connect(initial_window_size=2**24) as connected:
        yield connected


@pytest.fixture(scope="module")
def lean():
    with serving_grpc("lean") as served:
        yield served


@pytest.fixture
def ours(lean):
    with lean.connect(initial_window_size=2**24) as connected:
        yield connected


# What a call of one message may look like.


def test_a_call_is_answered_by_its_message_and_status(client):
    client.send(client.call(1, b"hello", x__sent="1"))
    answer = client.answer(1)
    assert answer.message == b"hello"
    assert answer.status == (OK, "")
    assert answer.headers[":status"] == "200"
    assert answer.headers["content-type"] == "application/grpc"
    assert answer.headers["x-got"] == "1"
    assert set(answer.headers["grpc-accept-encoding"].replace(" ", "").split(",")) == {
        *("identity", "deflate", "gzip")
    }


def test_calls_of_one_packet_are_each_answered(client):
    numbers = range(1, 401, 2)
    client.send(*(client.call(number, str(number).encode()) for number in numbers))
    assert [client.answer(number).message for number in numbers] == [
        str(number).encode() for number in numbers
    ]


def test_calls_of_one_packet_are_answered_in_few_writes(ours):
    ours.send(*(ours.call(number) for number in range(1, 33, 2)))
    ours.answer(1)
    assert all(ours.answers[number].ended for number in range(1, 33, 2))


def test_a_packet_may_end_anywhere(client):
    for byte in client.call(1, b"in parts"):
        client.send(bytes((byte,)))
    assert client.answer(1).message == b"in parts"


def test_a_message_may_lie_in_any_frames(client):
    body = framed(b"in parts")
    client.send(client.head(1), *(frame(DATA, 0, 1, body[at : at + 1]) for at in range(len(body))))
    client.send(frame(DATA, END_STREAM, 1))
    assert client.answer(1).message == b"in parts"


def test_an_empty_message_is_one(client):
    client.send(client.call(1, b""))
    assert client.answer(1).message == b""


def test_frames_may_be_padded_and_prioritised(ours):
    # grpcio takes the padding of a head for a part of it.
    client = ours
    head = client.head(1)[9:]
    client.send(
        frame(HEADERS, END_HEADERS | PADDED | PRIORITISED, 1, b"\x03" + b"\0\0\0\0\x10" + head + b"\0\0\0"),
        frame(DATA, PADDED | END_STREAM, 1, b"\x02" + framed(b"padded") + b"\0\0"),
        frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"),
    )
    assert client.answer(1).message == b"padded"


def test_a_header_may_come_in_parts(client):
    head = client.head(1)[9:]
    client.send(
        frame(HEADERS, 0, 1, head[:10]),
        frame(CONTINUATION, 0, 1, head[10:20]),
        frame(CONTINUATION, END_HEADERS, 1, head[20:]),
        frame(DATA, END_STREAM, 1, framed(b"continued")),
    )
    assert client.answer(1).message == b"continued"


def test_trailers_of_a_request_count_for_nothing(client):
    trailers = client.encoder.encode([("x-checksum", "1")])
    client.send(client.head(1), frame(DATA, 0, 1, framed(b"hello")))
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, trailers))
    assert client.answer(1).message == b"hello"


@pytest.mark.parametrize(
    "content_type", ["application/grpc", "application/grpc+proto", "application/grpc;a=b"]
)
def test_content_types(client, content_type):
    client.send(client.call(1, content__type=content_type))
    assert client.answer(1).status == (OK, "")


# What stands for the fields of every call without a table, and for a field that is put into the table or stands in it.
PLAIN = b"".join(literal(name.encode(), value.encode()) for name, value in FIELDS.items())
NEWEST = b"\xbe"


def put(value):
    return b"\x40" + literal(b"x-sent", value)[1:]


def calls(*blocks):
    """Return the frames of calls with these blocks of fields."""
    for number, block in enumerate(blocks):
        stream = 2 * number + 1
        yield frame(HEADERS, END_HEADERS, stream, block) + frame(DATA, END_STREAM, stream, framed(b""))


def test_a_head_of_the_same_bytes_is_read_by_the_table_of_its_time(client):
    again = PLAIN + NEWEST
    client.send(*calls(PLAIN + put(b"first"), again, again, PLAIN + put(b"second"), again, again))
    got = [client.answer(stream).headers["x-got"] for stream in range(1, 13, 2)]
    assert got == ["first"] * 3 + ["second"] * 3


def test_a_head_that_resizes_the_table_does_so_each_time(ours):
    # grpcio ends the call only.
    none, all_ = b"\x20" + PLAIN, b"\x3f\xe1\x1f" + PLAIN
    ours.send(*calls(none, all_, none, PLAIN + put(b"not kept"), PLAIN + NEWEST))
    assert ours.goaway().code is ErrorCode.COMPRESSION_ERROR


# Compression.

COMPRESSED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_messages_may_be_compressed(client, encoding):
    message = COMPRESSED[encoding](b"compressed" * 100)
    client.send(client.head(1, grpc__encoding=encoding), frame(DATA, END_STREAM, 1, framed(message, 1)))
    assert client.answer(1).headers["grpc-status"] == "0"
    # grpcio answers as it was asked.
    assert client.answer(1).body.endswith(b"compressed") or client.answer(1).body[0] == 1
    client.send(client.head(3, grpc__encoding=encoding), frame(DATA, END_STREAM, 3, framed(b"as it is")))
    assert client.answer(3).headers["grpc-status"] == "0"


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_a_message_that_is_larger_than_allowed_when_it_is_not_compressed(client, encoding):
    bomb = COMPRESSED[encoding](bytes(20 * MAX_MESSAGE))
    assert len(bomb) < MAX_MESSAGE
    client.send(client.head(1, grpc__encoding=encoding))
    client.send(*(frame(DATA, 0, 1, part) for part in parts(framed(bomb, 1))), frame(DATA, END_STREAM, 1))
    assert client.answer(1).status[0] == RESOURCE_EXHAUSTED


def parts(data, size=16_000):
    return [data[at : at + size] for at in range(0, len(data), size)]


BAD_MESSAGES = {
    "not-compressed": ("gzip", framed(b"not so", 1), "a message is not compressed by gzip: Error -3 while "),
    "cut": (
        "gzip",
        framed(gzip.compress(b"a")[:-1], 1),
        "a message is not compressed by gzip: it ends too early or too late",
    ),
    "more": (
        "deflate",
        framed(zlib.compress(b"a") + b"b", 1),
        "a message is not compressed by deflate: it ends too early or too late",
    ),
    "identity": (
        "identity",
        framed(b"a", 1),
        "a message's compressed flag is 1, with grpc-encoding identity: it must be 0, or with ",
    ),
    "flag": (
        "gzip",
        framed(b"a", 2),
        "a message's compressed flag is 2, with grpc-encoding gzip: it must be 0, or with ",
    ),
    "short": ("identity", framed(b"abc")[:-1], "the request ends 1 bytes before its message does"),
    "shorter": ("identity", b"\0\0", "the request ends 3 bytes before its message does"),
    "none": ("identity", b"", "the request has no message: this method takes one"),
    "two": (
        "identity",
        framed(b"a") + framed(b"b"),
        "the request has several messages: this method takes one",
    ),
}


@pytest.mark.parametrize(("encoding", "body", "message"), BAD_MESSAGES.values(), ids=BAD_MESSAGES)
def test_a_body_that_is_no_message_is_an_internal_error(ours, encoding, body, message):
    ours.send(ours.head(1, grpc__encoding=encoding), frame(DATA, END_STREAM, 1, body))
    code, said = ours.answer(1).status
    assert code == INTERNAL
    assert said.startswith(message)


def test_an_encoding_that_the_server_does_not_have(edge, client):
    client.send(client.call(1, grpc__encoding="br"))
    answer = client.answer(1)
    if edge.is_grpcio:
        assert answer.status[0] == INTERNAL
    else:
        assert answer.status == (
            UNIMPLEMENTED,
            "grpc-encoding is 'br': the server takes identity, deflate, gzip",
        )
        assert answer.headers["grpc-accept-encoding"] == "identity,deflate,gzip"


# What is no call.


def test_a_method_that_there_is_not(client):
    client.send(client.call(1, _path="/test.Echo/Nothing"))
    assert client.answer(1).status == (UNIMPLEMENTED, "Method not found!")


def test_a_call_that_is_refused_by_its_head_is_answered_before_it_ends(client):
    client.send(client.head(1, _path="/test.Echo/Nothing"))
    assert client.answer(1).status[0] == UNIMPLEMENTED
    client.send(frame(DATA, 0, 1, framed(b"late")))
    client.send(client.call(3))
    assert client.answer(3).message == b"hello"


NOT_GRPC = {
    "content-type": (
        {"content__type": "text/plain"},
        "415",
        "content-type is 'text/plain': this port takes application/grpc and application/grpc+proto",
    ),
    "none": (
        {"content__type": None},
        "415",
        "content-type is '': this port takes application/grpc and application/grpc+proto",
    ),
    "web": (
        {"content__type": "application/grpc-web"},
        "415",
        "content-type is 'application/grpc-web': this port takes application/grpc and application/grpc+proto",
    ),
    "method": ({"_method": "GET"}, "405", "the method is 'GET': a call of gRPC is a POST"),
}


@pytest.mark.parametrize(("changes", "status", "message"), NOT_GRPC.values(), ids=NOT_GRPC)
def test_what_is_no_call_of_grpc(ours, changes, status, message):
    ours.send(ours.call(1, **changes))
    answer = ours.answer(1)
    assert answer.headers[":status"] == status
    assert answer.status == (UNKNOWN, message)


def test_a_request_without_te_is_refused(client):
    client.send(client.call(1, te=None))
    assert client.answer(1).reset or client.answer(1).status[0] in (UNKNOWN, INTERNAL)


MALFORMED = {
    "upper-case": {"X-A": "1"},
    "connection": {"connection": "close"},
    "te": {"te": "gzip"},
    "no-path": {"_path": None},
    "empty-path": {"_path": ""},
    "no-scheme": {"_scheme": None},
    "unknown-pseudo": {"_other": "1"},
    "value-begins-with-a-space": {"x-a": " 1"},
    "value-with-a-line": {"x-a": "1\n2"},
    "length": {"content-length": "x"},
    "length-of-thousands-of-digits": {"content-length": "1" * 5000},
    "another-length": {"content-length": "3"},
}


@pytest.mark.parametrize("changes", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_ends_its_stream(ours, changes):
    head = ours.head(1, **changes)
    ours.send(head, frame(DATA, END_STREAM, 1, framed(b"hello")))
    assert ours.reset_of(1) is ErrorCode.PROTOCOL_ERROR
    ours.send(ours.call(3))
    assert ours.answer(3).message == b"hello"


def test_a_field_must_not_come_before_one_of_the_request_line(ours):
    fields = [("te", "trailers"), (":method", "POST"), (":scheme", "http"), (":path", "/"), (":path", "/")]
    for number, given in enumerate((fields[:4], fields[1:])):
        stream = 2 * number + 1
        ours.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, ours.encoder.encode(given)))
        assert ours.reset_of(stream) is ErrorCode.PROTOCOL_ERROR


def test_a_head_that_is_too_large_is_refused_by_name(ours):
    ours.send(ours.call(1, **{f"x-{n}": "v" * 90 for n in range(150)}))
    code, message = ours.answer(1).status
    assert code == RESOURCE_EXHAUSTED
    assert message == "the request's head is too large: it may have 16384 bytes, 32 for each field; send less"
    ours.send(ours.call(3))
    assert ours.answer(3).message == b"hello"


def test_a_message_over_the_limit(client):
    client.send(client.head(1), frame(DATA, 0, 1, b"\0" + (MAX_MESSAGE + 1).to_bytes(4) + b"a"))
    answer = client.answer(1)
    assert answer.status[0] == RESOURCE_EXHAUSTED
    assert (
        answer.status[1]
        .lower()
        .endswith(f"received message larger than max ({MAX_MESSAGE + 1} vs. {MAX_MESSAGE})")
    )


# How a call ends.


def test_an_error_says_what_it_says(client):
    client.send(client.call(1, b"bad:"))
    answer = client.answer(1)
    assert answer.status == (INVALID_ARGUMENT, "100%25 bad: %C3%A4%0A")
    assert answer.body == b""


def test_what_a_method_raises_otherwise_is_told(ours):
    ours.send(ours.call(1, b"raise:"))
    assert ours.answer(1).status == (INTERNAL, "RuntimeError: as asked")


def test_a_call_whose_time_is_over_is_told_and_cancelled(edge, client):
    client.send(client.call(1, b"sleep:20", grpc__timeout="100m"))
    answer = client.answer(1)
    # grpcio leaves it to the client's own clock.
    assert edge.is_grpcio or answer.status == (
        DEADLINE_EXCEEDED,
        "the call is not answered in 0.1 seconds, its own grpc-timeout: give it longer",
    )
    wait_for(lambda: b"sleep:20" in edge.application.cancelled)


@pytest.mark.parametrize("timeout", ["1", "100000000m", "1s", "-1m", "m"])
def test_a_timeout_that_is_none(ours, timeout):
    ours.send(ours.call(1, grpc__timeout=timeout))
    assert ours.answer(1).status == (
        INTERNAL,
        f"grpc-timeout is '{timeout}': it must be up to 8 digits and one of H, M, S, m, u, n",
    )


def test_a_timeout_may_be_as_long_as_it_can_be_said(client):
    client.send(client.call(1, grpc__timeout="99999999H"))
    assert client.answer(1).message == b"hello"


def test_a_call_that_is_taken_back_is_cancelled(edge, client):
    client.send(client.call(1, b"sleep:21"))
    wait_for(lambda: b"sleep:21" in edge.application.started)
    client.send(frame(RST_STREAM, 0, 1, int(ErrorCode.CANCEL).to_bytes(4)))
    wait_for(lambda: b"sleep:21" in edge.application.cancelled)
    client.send(client.call(3))
    assert client.answer(3).message == b"hello"


def test_a_connection_that_is_gone_cancels_its_calls(edge):
    with edge.connect() as client:
        client.send(client.call(1, b"sleep:22"))
        wait_for(lambda: b"sleep:22" in edge.application.started)
    wait_for(lambda: b"sleep:22" in edge.application.cancelled)


def test_a_slow_call_holds_no_other(client):
    client.send(client.call(1, b"sleep:1"), client.call(3))
    assert client.answer(3).message == b"hello"
    assert 1 not in client.answers or not client.answers[1].ended
    assert client.answer(1).message == b"sleep:1"


# Streams of messages.


def test_messages_of_a_stream_are_answered_as_they_come(client):
    client.send(client.head(1, _path=STREAM))
    for number, body in enumerate((b"one", b"two", b"three"), start=1):
        client.send(frame(DATA, 0, 1, framed(body)))
        client.wait(
            lambda count=number: 1 in client.answers and client.answers[1].body.count(b"\0\0\0\0") >= count
        )
    client.send(frame(DATA, END_STREAM, 1))
    answer = client.answer(1)
    assert answer.body == framed(b"one") + framed(b"two") + framed(b"three")
    assert answer.status == (OK, "")


def test_a_stream_without_messages_ends_well(client):
    client.send(client.head(1, END_HEADERS | END_STREAM, _path=STREAM))
    assert client.answer(1).status == (OK, "")


def test_a_stream_may_go_on_beyond_its_first_window(client):
    client.send(client.head(1, _path=STREAM))
    part = framed(b"z" * 10_000)
    for count in range(1, 21):
        client.send(frame(DATA, 0, 1, part))
        client.wait(
            lambda count=count: 1 in client.answers and len(client.answers[1].body) == count * len(part)
        )
        client.send(frame(WINDOW_UPDATE, 0, 0, len(part).to_bytes(4)))
    client.send(frame(DATA, END_STREAM, 1))
    assert client.answer(1).body == 20 * part


def test_an_error_may_come_after_messages(ours):
    ours.send(ours.head(1, _path=STREAM), frame(DATA, 0, 1, framed(b"fine")))
    ours.send(frame(DATA, 0, 1, framed(b"bad:")))
    answer = ours.answer(1)
    assert answer.body == framed(b"fine")
    assert answer.status[0] == INVALID_ARGUMENT


def test_a_stream_may_have_many_large_messages():
    message = framed(b"x" * 400_000)
    with serving_grpc("lean") as edge, edge.connect(initial_window_size=2**30) as client:
        client.send(frame(WINDOW_UPDATE, 0, 0, (2**30).to_bytes(4)), client.head(1, _path=STREAM))
        window = 65535
        for _ in range(8):
            rest = message
            while rest:
                while not window:
                    client.frames.clear()
                    client.receive()
                    more = [one for one in client.frames if one.kind == WINDOW_UPDATE and one.stream]
                    window += sum(int.from_bytes(one.payload) for one in more)
                part, rest = rest[: min(window, 16384)], rest[min(window, 16384) :]
                window -= len(part)
                client.send(frame(DATA, 0, 1, part))
        client.send(frame(DATA, END_STREAM, 1))
        assert client.answer(1).body == message * 8


def test_what_is_no_call_of_grpc_is_told_before_its_body_fills_the_window():
    with serving_grpc("lean") as edge, edge.connect() as client:
        client.send(client.head(1, content__type="application/json"))
        client.send(frame(DATA, 0, 1, bytes(16384)) * 3, frame(DATA, 0, 1, bytes(16383)))
        answer = client.answer(1)
        assert answer.headers[":status"] == "415"
        assert answer.reset is ErrorCode.NO_ERROR
