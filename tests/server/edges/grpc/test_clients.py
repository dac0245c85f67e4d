"""Real clients of gRPC, by grpcio, at the server's own edge and, as a check of these tests, at grpcio's."""

from __future__ import annotations

import concurrent.futures

import grpc
import pytest

from tests.server.edges.grpc.grpc_serving import MAX_MESSAGE, STREAM, UNARY, serving_grpc
from tests.server.waiting import wait_for


@pytest.fixture(scope="module", params=["lean", "grpcio"])
def edge(request):
    with serving_grpc(request.param) as served:
        yield served


@pytest.fixture
def channel(edge):
    with edge.channel() as opened:
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


def test_calls_that_are_cancelled_are_so_and_harm_no_other(edge, channel):
    call = channel.unary_unary(UNARY)
    bodies = [b"sleep:20." + b"%03d" % number for number in range(500)]
    calls = [call.future(body, timeout=60) for body in bodies]
    wait_for(lambda: set(bodies) <= set(edge.application.started))
    for each in calls:
        each.cancel()
    assert call(b"after", timeout=30) == b"after"
    wait_for(lambda: set(bodies) <= set(edge.application.cancelled))


def test_a_call_whose_time_is_over_is_so(edge, channel):
    call = channel.unary_unary(UNARY)
    with pytest.raises(grpc.RpcError) as caught:
        call(b"sleep:19", timeout=0.2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: b"sleep:19" in edge.application.cancelled)


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


def test_a_stream_of_many_messages(channel):
    bodies = [b"%d" % number * 100 for number in range(2000)]
    assert list(channel.stream_stream(STREAM)(iter(bodies), timeout=60)) == bodies


def test_a_stream_that_the_client_leaves(edge, channel):
    replies = channel.stream_stream(STREAM)(iter([b"one", b"sleep:18"]), timeout=60)
    assert next(replies) == b"one"
    wait_for(lambda: b"sleep:18" in edge.application.started)
    replies.cancel()
    wait_for(lambda: b"sleep:18" in edge.application.cancelled)


def test_many_channels(edge):
    def asked(number):
        with edge.channel() as channel:
            return channel.unary_unary(UNARY)(b"%d" % number, timeout=60)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert list(pool.map(asked, range(60))) == [b"%d" % number for number in range(60)]


def test_a_server_that_ends_loses_no_call_that_it_has():
    """Told that the server ends, a client looks for another, which is not there."""
    with serving_grpc("lean") as edge, edge.channel() as channel:
        call = channel.unary_unary(UNARY)
        assert call(b"first", timeout=30) == b"first"
        under_way = call.future(b"sleep:1", timeout=30)
        wait_for(lambda: b"sleep:1" in edge.application.started)
        edge.stop()
        wait_for(lambda: call.future(b"second", timeout=30).code() is grpc.StatusCode.UNAVAILABLE)
        assert under_way.result() == b"sleep:1"


def test_pings_of_a_client_that_keeps_its_connection_alive(edge):
    if edge.is_grpcio:
        pytest.skip("grpcio allows a ping in five minutes unless it is told otherwise")
    with edge.channel(grpc__keepalive_time_ms=50, grpc__keepalive_permit_without_calls=1) as channel:
        call = channel.unary_unary(UNARY)
        assert call(b"first", timeout=30) == b"first"
        assert call(b"sleep:1", timeout=30) == b"sleep:1"
        assert call(b"last", timeout=30) == b"last"
