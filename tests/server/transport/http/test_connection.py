"""What a connection of HTTP is, over raw sockets: by the project's own server and, as a check of these tests, by uvicorn.

Where uvicorn does otherwise, the test says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time

import pytest

from server.shared_state import ByteBudget
from server.transport.http.parser import RequestParser
from tests.polling import wait_for
from tests.server.transport.http.http_serving import MAX_BODY, serving_http

GET = b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"
TOO_LARGE = "the limit is 100000; send fewer rows at a time, or raise SERVER_MAX_BODY_BYTES"


def get(path, *headers):
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode()


def post(body, *headers, path="/echo", length=None):
    lines = "".join(f"{header}\r\n" for header in headers)
    length = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{lines}\r\n".encode() + body


def chunked(*chunks, trailers=b""):
    parts = [b"%x;note=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(parts) + b"0\r\n" + trailers + b"\r\n"


def sent_until_it_stands_still(client, data):
    """Return how many bytes the other side takes, up to 30 million, until it takes none for a while."""
    client.sock.settimeout(0.5)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 30_000_000:
            sent += client.sock.send(data)
    return sent


@pytest.fixture(scope="module", params=["lean", "uvicorn"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def http_server(kind):
    with serving_http(kind) as served:
        yield served


@pytest.fixture
def client(http_server):
    with http_server.connect() as connected:
        yield connected


# Requests.


def test_a_request_is_handed_on_whole(client):
    client.send(post(b"abc", "X-Two: 2", "X-TWO: 3", path="/echo/%C3%A4?json=%7B&b"))
    response = client.response()
    assert response.status == 200
    assert response.said == {
        "method": "POST",
        "path": "/echo/ä",
        "query": "json=%7B&b",
        "headers": {"host": "a", "content-length": "3", "x-two": "2, 3"},
        "body": "abc",
    }
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-one"] == "1"
    assert response.headers["date"].endswith(" GMT")
    assert "connection" not in response.headers


def test_the_target_may_be_a_whole_address(client):
    client.send(get("http://a:1/echo?b=c"))
    said = client.response().said
    assert (said["path"], said["query"]) == ("/echo", "b=c")


def test_a_connection_is_kept_for_the_next_request(client):
    for body in (b"one", b"", b"three"):
        client.send(post(body))
        assert client.response().said["body"] == body.decode()
    assert client.says_nothing()


def test_a_connection_is_closed_when_the_client_asks_for_it(client):
    client.send(get("/echo", "Connection: close") + GET)
    assert client.response().closes
    assert client.closed()


def test_http_1_0_is_answered_and_the_connection_closed(client):
    client.send(b"GET /echo HTTP/1.0\r\n\r\n")
    assert client.response().closes
    assert client.closed()


def test_http_1_0_may_ask_to_keep_the_connection(http_server, client):
    client.send(b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    response = client.response()
    if http_server.is_uvicorn:
        # It closes it all the same.
        assert response.closes
        return
    assert response.headers["connection"] == "keep-alive"
    client.send(GET)
    assert client.response().status == 200


def test_requests_sent_ahead_are_answered_in_order(client):
    paths = ["/sleep/0.2", "/echo/1", "/sleep/0.1", *(f"/echo/{index}" for index in range(200))]
    client.send(b"".join(get(path) for path in paths))
    assert [client.response().said["path"] for _ in paths] == paths


def test_requests_sent_ahead_without_end_wait_with_the_client(http_server, client):
    client.send(get("/sleep/3"))
    wait_for(lambda: http_server.application.started)
    assert sent_until_it_stands_still(client, GET * 1000) < 20_000_000
    with http_server.connect() as other:
        other.send(GET)
        assert other.response().status == 200


@pytest.mark.parametrize("chunks", [(), (b"abc",), (b"a", b"bc")], ids=["empty", "one", "two"])
def test_a_chunked_body(client, chunks):
    client.send(chunked(*chunks) + GET)
    assert client.response().said["body"] == b"".join(chunks).decode()
    assert client.response().said["method"] == "GET"


def test_what_follows_a_chunked_body_is_no_header(http_server, client):
    client.send(chunked(b"abc", trailers=b"Host: other\r\nX-Late: 1\r\n") + GET)
    said = client.response().said
    assert said["body"] == "abc"
    # uvicorn takes it for one where it comes before the application has looked.
    assert said["headers"]["host"] == ("a, other" if http_server.is_uvicorn else "a")
    assert "x-late" not in client.response().said["headers"]


@pytest.mark.parametrize("cut", [-1, 10, 0], ids=["end", "start", "whole"])
def test_100_continue_is_said_before_the_body(client, cut):
    head = post(b"", "Expect: 100-continue", length=3)
    client.send(head[:cut])
    assert client.says_nothing(0.1)
    client.send(head[cut:])
    assert client.response().status == 100
    client.send(b"abc" + GET)
    assert client.response().said["body"] == "abc"
    assert client.response().status == 200


def test_100_continue_is_not_said_when_the_body_is_there_or_refused(http_server, client):
    client.send(post(b"abc", "Expect: 100-continue"))
    answer = client.response()
    if http_server.is_uvicorn:
        # It says so in any case.
        assert answer.status == 100
        answer = client.response()
    assert answer.said["body"] == "abc"
    client.send(post(b"", "Expect: 100-continue", length=MAX_BODY + 1))
    assert client.response().status == 413


def test_100_continue_waits_for_the_answer_before(http_server, client):
    client.send(get("/sleep/0.3") + post(b"", "Expect: 100-continue", length=3))
    assert client.response().said["path"] == "/sleep/0.3"
    assert client.response().status == 100
    client.send(b"abc")
    assert client.response().said["body"] == "abc"


def test_head_has_the_length_and_no_body(client):
    client.send(b"HEAD /large/1000 HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
    assert client.response(to="HEAD").headers["content-length"] == "1000"
    assert client.response().said["method"] == "GET"


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
def test_methods_are_handed_on(client, method):
    client.send(GET.replace(b"GET", method.encode()))
    assert client.response().said["method"] == method


def test_options_of_the_server_itself(client):
    client.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.response().said["path"] == "*"


@pytest.mark.parametrize("size", [1, 7])
def test_packets_may_split_anywhere(client, size):
    sent = post(b"abc", "X-Two: 2", path="/echo?q") + chunked(b"de", b"f") + GET
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for start in range(0, len(sent), size):
        client.send(sent[start : start + size])
        time.sleep(0.0005)
    assert [client.response().said["body"] for _ in range(3)] == ["abc", "def", ""]


def test_another_protocol_may_be_offered_and_is_passed_over(http_server, client):
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    if http_server.is_uvicorn:
        # It loses the body.
        client.send(get("/echo", *offer))
        assert client.response().status == 200
        return
    client.send(post(b"abc", *offer) + get("/echo/2", *offer) + GET)
    assert [client.response().said["body"] for _ in range(3)] == ["abc", "", ""]
    head, _, body = chunked(b"de", b"f").partition(b"\r\n\r\n")
    client.send("\r\n".join((head.decode(), *offer)).encode() + b"\r\n\r\n" + body + GET)
    assert [client.response().said["body"] for _ in range(2)] == ["def", ""]


# Refusals.


def refused(http_server, client, status, info):
    """Check that the next answer refuses, and that the connection ends."""
    response = client.response()
    if http_server.is_uvicorn:
        assert (response.status, response.closes) == (400, True)
    else:
        assert (response.status, response.info, response.closes) == (status, info, True)
    assert client.closed()


def test_a_body_over_the_limit_is_refused_before_it_is_sent(http_server, client):
    client.send(post(b"", length=MAX_BODY + 1))
    response = client.response()
    assert response.status == 413
    if http_server.is_uvicorn:
        return  # It goes on to read the body.
    assert (response.info, response.closes) == (f"the body has 100001 bytes: {TOO_LARGE}", True)
    assert client.closed()


def test_a_chunked_body_over_the_limit_is_refused(http_server, client):
    client.send(chunked(*[b"x" * 10_000] * 11))
    response = client.response()
    assert response.status == 413
    if not http_server.is_uvicorn:
        assert response.info == f"the body has more than 100000 bytes: {TOO_LARGE}"
        assert response.closes


def test_a_client_that_sends_on_gets_to_the_refusal(client):
    client.send(post(b"x" * 5_000_000))
    assert client.response().status == 413


def test_a_body_of_the_limit_is_taken(client):
    client.send(post(b"x" * MAX_BODY))
    assert len(client.response().said["body"]) == MAX_BODY


HEADS = {
    "many-headers": get("/echo", *(f"X-{index}: 1" for index in range(100))),
    "a-long-header": get("/echo", f"X-Long: {'x' * 65_536}"),
    "a-long-target": get("/echo?" + "x" * 65_536),
    "a-header-without-end": get("/echo", f"X-Long: {'x' * 400_000}")[:-4],
    "white-space-without-end": get("/echo", f"X-Long: {' ' * 400_000}")[:-4],
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_head_over_the_limit_is_refused(http_server, client, head):
    if http_server.is_uvicorn:
        pytest.skip("uvicorn knows no limit of a head")
    client.send(head)
    info = "the request's head is too large: it may have 65536 bytes in 100 headers; send less"
    refused(http_server, client, 431, info)


def test_chunks_that_are_nothing_but_extensions_are_refused(http_server, client):
    if http_server.is_uvicorn:
        pytest.skip("uvicorn knows no limit of an extension")
    client.send(chunked(b"abc")[:-5] + b"1;" + b"x" * 400_000)
    info = "the request's head is too large: it may have 65536 bytes in 100 headers; send less"
    refused(http_server, client, 431, info)


def smuggled(*headers, body=b"0\r\n\r\n"):
    return "\r\n".join(("POST /echo HTTP/1.1", "Host: a", *headers, "", "")).encode() + body


CHUNKED = "Transfer-Encoding: chunked"
# What llhttp refuses, and its words.
GARBAGE = {
    "not-http": (b"hello\r\n\r\n", "Invalid method encountered"),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "Invalid method encountered"),
    "http-2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "Pause on PRI/Upgrade"),
    "http-1.2": (GET.replace(b"1.1", b"1.2"), "Invalid HTTP version"),
    "bare-line-feeds": (GET.replace(b"\r", b""), "Expected CRLF after version"),
    "a-zero-byte": (get("/echo", "X: a\0b"), "Invalid header value char"),
    "a-folded-header": (get("/echo", "X: a", " b"), "Unexpected whitespace after header value"),
    "a-space-before-the-colon": (
        smuggled("Content-Length : 5"),
        "Invalid header field char",
    ),
    "length-and-chunks": (
        smuggled("Content-Length: 5", CHUNKED),
        "Transfer-Encoding can't be present with Content-Length",
    ),
    "chunks-and-length": (
        smuggled(CHUNKED, "Content-Length: 5"),
        "Content-Length can't be present with Transfer-Encoding",
    ),
    "two-lengths": (smuggled("Content-Length: 5", "Content-Length: 6"), "Duplicate Content-Length"),
    "a-list-of-lengths": (smuggled("Content-Length: 5, 5"), "Invalid character in Content-Length"),
    "a-signed-length": (smuggled("Content-Length: +5"), "Invalid character in Content-Length"),
    "an-endless-length": (smuggled(f"Content-Length: {'9' * 30}"), "Content-Length overflow"),
    "chunks-within": (
        smuggled("Transfer-Encoding: chunked, gzip"),
        "Invalid `Transfer-Encoding` header value",
    ),
    "chunks-misspelt": (smuggled("Transfer-Encoding: xchunked"), None),
    "a-chunk-of-no-size": (smuggled(CHUNKED, body=b"-1\r\n"), "Invalid character in chunk size"),
    "chunks-by-line-feeds": (smuggled(CHUNKED, body=b"1\na\n0\n\n"), "Missing expected CR after chunk size"),
}


@pytest.mark.parametrize(("sent", "said"), GARBAGE.values(), ids=GARBAGE)
def test_what_is_not_http_or_could_be_read_in_two_ways_is_refused(http_server, client, sent, said):
    if http_server.is_uvicorn:
        client.send(sent)  # It would refuse without an answer to what came before.
    else:
        client.send(GET + sent)
        assert client.response().status == 200
    info = (
        f"the request is not HTTP/1.1: {said}"
        if said
        else "Transfer-Encoding is 'xchunked': it must be chunked"
    )
    refused(http_server, client, 400, info)


FORBIDDEN = {
    "no-host": (
        b"GET /echo HTTP/1.1\r\n\r\n",
        "the request has no Host header, or several: HTTP/1.1 asks for one",
    ),
    "two-hosts": (
        get("/echo", "Host: b"),
        "the request has no Host header, or several: HTTP/1.1 asks for one",
    ),
    "chunks-in-1.0": (
        smuggled(CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0"),
        "the request has a Transfer-Encoding: HTTP/1.0 has none, send a Content-Length",
    ),
    "a-coding-beside-chunks": (
        smuggled("Transfer-Encoding: gzip, chunked"),
        "Transfer-Encoding is 'gzip, chunked': it must be chunked",
    ),
    "http-2.0": (
        GET.replace(b"1.1", b"2.0"),
        "the request is HTTP/2.0: it must be HTTP/1.1 or HTTP/1.0",
    ),
    "http-0.9": (b"GET /echo\r\n\r\n", "the request is HTTP/0.9: it must be HTTP/1.1 or HTTP/1.0"),
    "a-tunnel": (
        b"CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n",
        "the request's target is 'b:1': it must be a path",
    ),
}


@pytest.mark.parametrize(("sent", "info"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_llhttp_lets_through_and_http_forbids_is_refused(http_server, client, sent, info):
    if http_server.is_uvicorn:
        pytest.skip("uvicorn answers what llhttp lets through")
    client.send(sent)
    refused(http_server, client, 400, info)


def test_a_request_that_fails_leaves_the_others(http_server, client):
    with http_server.connect() as other:
        other.send(get("/sleep/0.3"))
        client.send(get("/raise"))
        if http_server.is_uvicorn:
            assert client.response().status == 500
        else:
            # Rest.respond never raises; if it does, nothing is known of the request.
            assert client.closed()
        assert other.response().status == 200


# Clients that are slow, or gone.


def test_an_idle_connection_is_closed(kind):
    with serving_http(kind, idle_seconds=1) as http_server, http_server.connect() as client:
        client.send(GET)
        assert client.response().status == 200
        assert client.closed()


def test_a_connection_that_never_says_anything_is_closed(kind):
    if kind == "uvicorn":
        pytest.skip("uvicorn waits for ever")
    with serving_http(kind, idle_seconds=1) as http_server, http_server.connect() as client:
        assert client.closed()


@pytest.mark.parametrize("start", [b"GE", GET[:-2], post(b"ab", length=3)], ids=["line", "head", "body"])
def test_a_request_that_does_not_come_to_its_end_is_a_408(kind, start):
    if kind == "uvicorn":
        pytest.skip("uvicorn waits for ever")
    with serving_http(kind, read_seconds=1) as http_server, http_server.connect() as client:
        client.send(GET + start)
        assert client.response().status == 200
        info = (
            "the request has not come in 1 seconds, nor 16384 bytes of it a second: "
            "send it faster, or raise SERVER_READ_SECONDS"
        )
        refused(http_server, client, 408, info)


def test_a_request_that_trickles_is_a_408(kind):
    if kind == "uvicorn":
        pytest.skip("uvicorn waits for ever")
    with serving_http(kind, read_seconds=1) as http_server, http_server.connect() as client:
        with contextlib.suppress(ConnectionError):
            for byte in get("/echo", "X-Long: " + "x" * 1000):
                client.send(bytes([byte]))
                if not client.says_nothing(0.02):
                    break
        assert client.response().status == 408


def test_an_answer_that_the_client_does_not_take_stops_no_other(http_server):
    size = 8_000_000
    with http_server.connect(receive_buffer=65_536) as slow, http_server.connect() as other:
        slow.send(get(f"/large/{size}") + get("/echo/2"))
        for _ in range(3):
            other.send(GET)
            assert other.response().status == 200
        assert len(slow.response().body) == size
        assert slow.response().said["path"] == "/echo/2"


def test_an_answer_that_ends_the_connection_comes_whole(http_server):
    size = 8_000_000
    with http_server.connect(receive_buffer=65_536) as slow:
        slow.send(get(f"/large/{size}", "Connection: close"))
        time.sleep(0.3)
        assert len(slow.response().body) == size
        assert slow.closed()


def test_an_answer_that_is_never_taken_ends_the_connection(kind):
    if kind == "uvicorn":
        pytest.skip("uvicorn waits for ever")
    with (
        serving_http(kind, read_seconds=1) as http_server,
        http_server.connect(receive_buffer=4096) as client,
    ):
        # More than the system takes.
        client.send(get("/large/9999") * 1500)
        time.sleep(0.5)
        wait_for(lambda: is_cut(client))


def is_cut(client):
    """Return whether the other side has given the connection up, which ends with a reset."""
    state = client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state == 7  # TCP_CLOSE


def test_work_for_a_client_that_is_gone_is_cancelled(http_server):
    path = "/sleep/20/gone"
    with http_server.connect() as client:
        client.send(get(path))
        wait_for(lambda: path in http_server.application.started)
    wait_for(lambda: path in http_server.application.cancelled)


def test_a_client_that_ends_its_side_is_gone(http_server, client):
    path = "/sleep/20/half"
    client.send(get(path))
    wait_for(lambda: path in http_server.application.started)
    client.sock.shutdown(socket.SHUT_WR)
    assert client.closed()
    wait_for(lambda: path in http_server.application.cancelled)


@pytest.mark.parametrize("start", [b"", b"GE", post(b"ab", length=3)], ids=["idle", "line", "body"])
def test_a_client_that_ends_its_side_before_a_request_gets_no_answer(client, start):
    client.send(start)
    client.sock.shutdown(socket.SHUT_WR)
    assert client.closed()


# Limits, and the end.


def test_one_connection_too_many_is_refused_and_the_others_live(kind):
    with serving_http(kind, max_connections=3) as http_server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(http_server.connect()) for _ in range(3)]
        for client in clients:
            client.send(get("/sleep/3"))
        wait_for(lambda: len(http_server.application.started) == 3)
        for _ in range(3):
            with http_server.connect() as more:
                more.send(GET)
                response = more.response()
                assert response.status == 503
                if http_server.is_uvicorn:
                    return  # It answers so on every connection then.
                assert response.info == (
                    "the server has 3 connections: it takes no more; "
                    "send the request again, or raise SERVER_MAX_CONNECTIONS"
                )
                assert response.closes
                assert more.rest() == b""
        with http_server.connect() as more:
            assert more.response().status == 503
            # One that is refused takes no one's place while it is still there.
            clients[0].sock.close()
            wait_for(lambda: answers(http_server))
        for client in clients[1:]:
            assert client.response().status == 200


def test_the_connection_that_is_idle_longest_gives_way():
    with serving_http("lean", max_connections=3) as http_server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(http_server.connect()) for _ in range(3)]
        for client in (*clients, clients[0]):
            client.send(GET)
            assert client.response().status == 200
        # Not before they have been idle for a while: the next request of each may be under way.
        wait_for(lambda: answers(http_server))
        assert clients[1].closed()
        for client in (clients[0], clients[2]):
            client.send(GET)
            assert client.response().status == 200


def test_requests_sent_ahead_in_one_piece_take_from_the_budget():
    budget = ByteBudget(1_000_000)
    with serving_http("lean", budget=budget) as http_server, http_server.connect() as client:
        client.send(get("/sleep/1") + GET * 5000)
        assert client.response().status == 200
        assert client.response().status == 413
        assert client.closed()
        wait_for(lambda: budget.taken == 0)


def test_requests_that_overlap_give_back_what_they_took():
    budget = ByteBudget(1_000_000)
    request = post(b"x" * 1000)
    with serving_http("lean", budget=budget) as http_server, http_server.connect() as client:
        client.send(request[:500])
        for _ in range(1000):
            # The server never stands between two requests when it has read what there is.
            client.send(request[500:] + request[:500])
            assert client.response().status == 200
        client.send(request[500:])
        assert client.response().status == 200
        wait_for(lambda: budget.taken == 0)


def test_time_to_send_a_body_is_not_earned_in_advance():
    with serving_http("lean", read_seconds=1) as http_server, http_server.connect() as client:
        start = time.monotonic()
        client.send(post(b"x" * 90_000, length=MAX_BODY))
        assert client.response().status == 408
        assert time.monotonic() - start < 4


def test_bodies_that_do_not_end_take_no_more_than_the_budget():
    budget = ByteBudget(2_000_000)
    with serving_http("lean", budget=budget) as http_server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(http_server.connect()) for _ in range(30)]
        statuses = []
        for client in clients:
            client.send(post(b"", length=MAX_BODY))
            client.send(b"x" * 90_000)
            if not client.says_nothing(0.1):
                statuses.append(client.response())
        assert statuses
        assert {(each.status, each.headers["retry-after"]) for each in statuses} == {(503, "1")}
        assert budget.taken <= 2_000_000
        assert answers(http_server)
    assert budget.taken == 0


@pytest.mark.long
def test_answers_that_are_not_read_take_from_the_budget_and_the_oldest_go():
    budget = ByteBudget(2_000_000)
    with serving_http("lean", budget=budget) as http_server, contextlib.ExitStack() as stack:
        clients = []
        for _ in range(6):
            clients.append(stack.enter_context(http_server.connect(receive_buffer=4096)))
            clients[-1].send(get("/large/20000000"))
            wait_for(lambda: budget.taken == min(len(clients), 3) * 500_000)
        assert answers(http_server)
        # Whoever begins to read at last gets all of it.
        assert len(clients[-1].response().body) == 20_000_000
        with pytest.raises((ConnectionResetError, AssertionError)):
            clients[0].response()
        assert answers(http_server)
    wait_for(lambda: budget.taken == 0)


def test_a_client_with_a_fast_pipe_leaves_turns_to_others():
    """Its body, in chunks of one byte, takes long to parse: never all of that at once."""
    body = b"1\r\nx\r\n" * 90_000 + b"0\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    began = time.thread_time()
    RequestParser(MAX_BODY).feed((head + body)[:250_000])  # What the event loop reads at once.
    whole = time.thread_time() - began
    holds = []
    with serving_http("lean") as http_server, http_server.connect() as client:
        for _ in range(3):
            # All of it is there before the server reads.
            sent = threading.Event()
            held = asyncio.run_coroutine_threadsafe(longest_hold(http_server, sent), http_server.loop)
            client.send(head + body)
            sent.set()
            assert len(client.response().said["body"]) == 90_000
            http_server.application.started.append("/over")
            holds.append(held.result(30))
            http_server.application.started.clear()
    assert sorted(holds)[1] < whole / 2, (holds, whole)


async def longest_hold(http_server, sent):
    """Return the longest time of its CPU between two rounds of the loop from when all is sent until the client has its answer."""
    sent.wait(10)
    longest, before = 0.0, time.thread_time()
    while "/over" not in http_server.application.started:
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, before = max(longest, now - before), now
    return longest


def answers(http_server):
    with http_server.connect() as client:
        client.send(GET)
        return client.response().status == 200


def test_the_end_waits_for_what_is_under_way_and_for_nothing_else(kind):
    with serving_http(kind) as http_server, http_server.connect() as idle, http_server.connect() as busy:
        idle.send(GET)
        assert idle.response().status == 200
        busy.send(get("/sleep/2"))
        wait_for(lambda: http_server.application.started)
        http_server.stop()
        assert idle.rest() == b""
        assert busy.says_nothing(0.1)
        response = busy.response()
        assert (response.status, response.closes) == (200, True)
        assert busy.closed()
        with pytest.raises(ConnectionRefusedError):
            http_server.connect()
        assert http_server.ended(10)


def test_the_end_leaves_what_was_sent_ahead_to_be_sent_again(kind):
    if kind == "uvicorn":
        pytest.skip("uvicorn answers all of it")
    with serving_http(kind) as http_server, http_server.connect() as client:
        client.send(get("/sleep/0.5") + GET * 100_000)
        wait_for(lambda: http_server.application.started)
        http_server.stop()
        response = client.response()
        assert (response.said["path"], response.closes) == ("/sleep/0.5", True)
        assert client.closed()


def test_a_request_that_comes_during_the_end_is_answered(kind):
    if kind == "uvicorn":
        pytest.skip("uvicorn closes a connection whose request is not whole")
    with serving_http(kind) as http_server, http_server.connect() as client:
        client.send(post(b"ab", length=3))
        time.sleep(0.2)
        http_server.stop()
        assert client.says_nothing()
        client.send(b"c")
        response = client.response()
        assert (response.said["body"], response.closes) == ("abc", True)
        assert client.closed()


def test_the_end_waits_no_longer_than_it_may(kind):
    with serving_http(kind, drain=1) as http_server, http_server.connect() as client:
        client.send(get("/sleep/20"))
        wait_for(lambda: http_server.application.started)
        http_server.stop()
        assert http_server.ended(10)
        assert http_server.application.cancelled == ["/sleep/20"]


def test_a_refusal_is_an_error_of_the_protocol(http_server, client):
    if http_server.is_uvicorn:
        pytest.skip("uvicorn refuses in its own words")
    client.send(b"hello\r\n\r\n")
    assert json.loads(client.response().body) == {
        "status": {
            "code": -1,
            "info": "the request is not HTTP/1.1: Invalid method encountered",
            "reason": "MICROSERVICE_BAD_DATA",
            "status": 1,
        }
    }
