"""What a body that comes in parts is on a connection of HTTP, over raw sockets."""

from __future__ import annotations

import time

import pytest

from tests.polling import wait_for
from tests.server.transport.http.http_serving import serving_http


def get(path, *headers, method="GET", version="1.1"):
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"{method} {path} HTTP/{version}\r\nHost: a\r\n{lines}\r\n".encode()


def made_until_it_stands_still(application):
    """Return how many parts have been made when no more are."""
    before = -1
    while before != application.made:
        before = application.made
        time.sleep(0.3)
    return before


@pytest.fixture
def http_server():
    with serving_http("lean") as served:
        yield served


@pytest.fixture
def client(http_server):
    with http_server.connect() as connected:
        yield connected


def test_each_part_is_a_chunk_of_its_own(client):
    client.send(get("/stream/3"))
    headers = client.head()
    assert headers["transfer-encoding"] == "chunked"
    assert headers["content-type"] == "text/event-stream"
    assert headers["x-one"] == "1"
    assert "content-length" not in headers
    assert "connection" not in headers
    assert list(client.chunks()) == [b"aaa", b"bbb", b"ccc"]


def test_a_part_comes_while_the_next_is_awaited(client, http_server):
    client.send(get("/stream/2/1/wait"))
    client.head()
    chunks = client.chunks()
    assert [next(chunks), next(chunks)] == [b"a", b"b"]
    assert http_server.application.closed == []
    assert client.says_nothing()


def test_an_empty_part_does_not_end_the_body(client):
    client.send(get("/stream/5/0") + get("/echo"))
    assert client.response().body == b""
    assert client.response().said["path"] == "/echo"


def test_the_connection_is_kept_for_the_next_request(client, http_server):
    for _ in range(2):
        client.send(get("/stream/3"))
        assert client.response().body == b"aaabbbccc"
    client.send(get("/echo"))
    assert client.response().said["path"] == "/echo"
    assert client.says_nothing()
    assert http_server.application.closed == [3, 3]


def test_what_is_sent_ahead_is_answered_afterwards(client):
    client.send(get("/stream/2") + get("/stream/1") + get("/echo"))
    assert [client.response().body for _ in range(2)] == [b"aaabbb", b"aaa"]
    assert client.response().said["path"] == "/echo"


def test_the_connection_is_closed_when_the_client_asks_for_it(client):
    client.send(get("/stream/2", "Connection: close"))
    response = client.response()
    assert (response.body, response.closes) == (b"aaabbb", True)
    assert client.closed()


@pytest.mark.parametrize("headers", [(), ("Connection: keep-alive",)])
def test_by_http_1_0_the_end_of_the_connection_ends_the_body(client, headers):
    client.send(get("/stream/2", *headers, version="1.0"))
    said = client.head()
    assert said["connection"] == "close"
    assert "transfer-encoding" not in said
    assert client.rest() == b"aaabbb"


def test_head_has_no_body_and_closes_the_stream(client, http_server):
    client.send(get("/stream/3", method="HEAD") + get("/echo"))
    assert client.response(to="HEAD").headers["transfer-encoding"] == "chunked"
    assert client.response().said["path"] == "/echo"
    assert http_server.application.closed == [1]


def test_one_whose_client_leaves_is_closed(http_server):
    with http_server.connect() as client:
        client.send(get("/stream/2/1/wait"))
        client.head()
    wait_for(lambda: http_server.application.closed == [2])
    with http_server.connect() as client:
        client.send(get("/echo"))
        assert client.response().status == 200


def test_one_that_breaks_ends_without_a_last_chunk(client, http_server, caplog):
    client.send(get("/stream/2/1/raise"))
    client.head()
    chunks = client.chunks()
    assert [next(chunks), next(chunks)] == [b"a", b"b"]
    with pytest.raises((AssertionError, ConnectionResetError)):
        next(chunks)
    assert http_server.application.closed == [2]
    assert "/stream/2/1/raise cannot be answered" in caplog.text


def test_no_more_is_made_than_a_slow_client_takes(http_server):
    count, size = 2000, 65536
    with http_server.connect(receive_buffer=4096) as client:
        client.send(get(f"/stream/{count}/{size}"))
        client.head()
        assert made_until_it_stands_still(http_server.application) < count / 4
        assert http_server.application.closed == []
        assert sum(map(len, client.chunks())) == count * size
        client.send(get("/echo"))
        assert client.response().status == 200


def test_a_client_that_takes_nothing_is_given_up():
    with (
        serving_http("lean", read_seconds=1) as http_server,
        http_server.connect(receive_buffer=4096) as client,
    ):
        client.send(get("/stream/2000/65536"))
        client.head()
        wait_for(lambda: http_server.application.closed)
        assert http_server.application.closed[0] < 500


def test_a_client_that_takes_it_slowly_is_not():
    with (
        serving_http("lean", read_seconds=1) as http_server,
        http_server.connect(receive_buffer=4096) as client,
    ):
        client.send(get("/stream/40/300000"))
        client.head()
        got = 0
        for number, chunk in enumerate(client.chunks()):
            got += len(chunk)
            if number % 8 == 0:
                time.sleep(0.3)
        assert got == 40 * 300000


def test_one_under_way_ends_when_the_server_ends():
    with serving_http("lean") as http_server, http_server.connect(receive_buffer=4096) as client:
        client.send(get("/stream/200/65536") + get("/echo"))
        client.head()
        made_until_it_stands_still(http_server.application)
        http_server.stop()
        assert sum(map(len, client.chunks())) == 200 * 65536
        assert client.response().closes
        assert http_server.ended()


def test_one_that_does_not_end_is_cut_after_the_drain_seconds():
    with serving_http("lean", drain=0.2) as http_server, http_server.connect() as client:
        client.send(get("/stream/1/1/wait"))
        client.head()
        http_server.stop()
        assert http_server.ended()
        assert http_server.application.closed == [1]
