"""What clients of gRPC notice of the server that carries the calls, whatever these mean."""

from __future__ import annotations

import concurrent.futures
import queue

import grpc
import pytest

from tests.polling import wait_for
from tests.server.transport.grpc.echoing import MAX_MESSAGE, UNARY, echoing


@pytest.fixture(scope="module")
def echo_server():
    with echoing() as served:
        yield served


@pytest.fixture
def channel(echo_server):
    with echo_server.channel() as opened:
        yield opened


def test_large_messages_go_both_ways(channel):
    call = channel.unary_unary(UNARY)
    body = b"x" * (MAX_MESSAGE - 1)
    assert call(body, timeout=30) == body
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        bodies = [bytes((number,)) * (MAX_MESSAGE - number) for number in range(1, 33)]
        assert list(pool.map(lambda one: call(one, timeout=60), bodies)) == bodies


def test_a_message_that_is_too_large_harms_no_other(channel):
    call = channel.unary_unary(UNARY)
    for _ in range(3):
        with pytest.raises(grpc.RpcError) as caught:
            call(b"x" * (MAX_MESSAGE + 1), timeout=30)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert call(b"small", timeout=30) == b"small"


def test_many_calls_at_a_time(channel):
    call = channel.unary_unary(UNARY)
    calls = [call.future(b"%d" % number, timeout=60) for number in range(500)]
    assert [each.result() for each in calls] == [b"%d" % number for number in range(500)]


def test_calls_that_are_cancelled_are_so_and_harm_no_other(echo_server, channel):
    call = channel.unary_unary(UNARY)
    bodies = [b"sleep:20." + b"%03d" % number for number in range(500)]
    calls = [call.future(body, timeout=60) for body in bodies]
    wait_for(lambda: set(bodies) <= set(echo_server.started))
    for each in calls:
        each.cancel()
    assert call(b"after", timeout=30) == b"after"
    wait_for(lambda: set(bodies) <= set(echo_server.cancelled))


def test_a_call_whose_time_is_over_is_so(echo_server, channel):
    call = channel.unary_unary(UNARY)
    with pytest.raises(grpc.RpcError) as caught:
        call(b"sleep:19", timeout=0.2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: b"sleep:19" in echo_server.cancelled)


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_messages(channel, compression):
    call = channel.unary_unary(UNARY)
    body = b"again and again " * 1000
    assert call(body, timeout=30, compression=compression) == body


def test_an_error_has_its_code_and_words(channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(UNARY)(b"bad:", timeout=30)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "100% bad: ä\n"


def test_metadata_goes_both_ways(channel):
    _, call = channel.unary_unary(UNARY).with_call(b"", timeout=30, metadata=(("x-sent", "this"),))
    assert dict(call.initial_metadata())["x-got"] == "this"


def test_many_channels(echo_server):
    def asked(number):
        with echo_server.channel() as channel:
            return channel.unary_unary(UNARY)(b"%d" % number, timeout=60)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert list(pool.map(asked, range(60))) == [b"%d" % number for number in range(60)]


@pytest.mark.long
def test_a_server_that_ends_loses_no_call_that_it_has():
    """Told that the server ends, a client looks for another, which is not there."""
    with echoing() as echo_server, echo_server.channel() as channel:
        call = channel.unary_unary(UNARY)
        assert call(b"first", timeout=30) == b"first"
        under_way = call.future(b"sleep:1", timeout=30)
        wait_for(lambda: b"sleep:1" in echo_server.started)
        echo_server.stop()
        wait_for(lambda: call.future(b"second", timeout=30).code() is grpc.StatusCode.UNAVAILABLE)
        assert under_way.result() == b"sleep:1"


def test_a_client_that_does_not_send_its_message_gives_way_in_time():
    with echoing(read_seconds=0.5) as echo_server, echo_server.channel() as channel:
        never = queue.Queue()
        stalled = channel.stream_unary(UNARY).future(iter(never.get, None), timeout=30)
        assert stalled.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert stalled.details() == (
            "the request has not come in 0.5 seconds: send it faster, or raise SERVER_READ_SECONDS"
        )
        never.put(None)


def test_clients_that_do_not_send_their_messages_keep_no_others_waiting():
    with (
        echoing(read_at_a_time=2) as echo_server,
        echo_server.channel() as hostile,
        echo_server.channel() as channel,
    ):
        never = queue.Queue()
        stalled = [hostile.stream_unary(UNARY).future(iter(never.get, None), timeout=60) for _ in range(6)]
        call = channel.unary_unary(UNARY)
        assert [call(b"%d" % number, timeout=20) for number in range(20)] == [b"%d" % n for n in range(20)]
        ended = [each for each in stalled if each.done()]
        assert ended  # Before their 30 seconds.
        assert {each.code() for each in ended} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        for _ in stalled:
            never.put(None)


def test_a_message_that_grows_beyond_the_limit_when_it_is_decompressed(channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(UNARY)(bytes(100 * MAX_MESSAGE), timeout=30, compression=grpc.Compression.Gzip)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_call_without_a_message_and_one_of_several(channel):
    call = channel.stream_unary(UNARY)
    with pytest.raises(grpc.RpcError) as caught:
        call(iter([]), timeout=30)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "the request has no message: this method takes one"


def test_what_a_method_raises_otherwise_is_told(channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(UNARY)(b"raise:", timeout=30)
    assert (caught.value.code(), caught.value.details()) == (
        grpc.StatusCode.INTERNAL,
        "RuntimeError: as asked",
    )


def test_more_calls_than_are_allowed_are_refused():
    with echoing(grpc_max_calls=2) as echo_server, echo_server.channel() as channel:
        call = channel.unary_unary(UNARY)
        under_way = [call.future(b"sleep:1.%d" % number, timeout=30) for number in range(2)]
        wait_for(lambda: len(echo_server.started) == 2)
        with pytest.raises(grpc.RpcError) as caught:
            call(b"third", timeout=30)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caught.value.details() == (
            "2 calls are under way: no more may; send the request again later, or raise SERVER_GRPC_MAX_CALLS"
        )
        assert ("grpc-retry-pushback-ms", "1000") in caught.value.trailing_metadata()
        assert [each.code() for each in under_way] == [grpc.StatusCode.OK] * 2


@pytest.mark.long
def test_a_client_that_sends_pings_all_the_time_is_sent_away():
    pings = {"keepalive_time_ms": 50, "keepalive_permit_without_calls": 1, "http2__max_pings_without_data": 0}
    with (
        echoing(grpc_min_ping_seconds=100) as echo_server,
        echo_server.channel(**{f"grpc__{name}": value for name, value in pings.items()}) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        channel.unary_unary(UNARY)(b"sleep:20", timeout=25)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "Too many pings" in caught.value.details() or "too_many_pings" in caught.value.details()


def test_a_connection_that_is_too_old_loses_no_call():
    with echoing(grpc_max_age_seconds=1) as echo_server, echo_server.channel() as channel:
        call = channel.unary_unary(UNARY)
        assert [call(b"sleep:0.3", timeout=30) for _ in range(8)] == [b"sleep:0.3"] * 8
