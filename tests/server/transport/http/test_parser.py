"""Requests out of bytes, however the network splits them, and whatever they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.api.routes import HttpRequest
from server.errors import BadData
from server.transport.http.parser import Persistence, RequestParser
from tests.server.transport.http.http_serving import serving_http

LIMIT = 1000
OFFER = b"Connection: upgrade\r\nUpgrade: h2c\r\n"

methods = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"])
paths = st.text("abc/-._~", max_size=10).map(lambda text: f"/{text}")
names = st.text("abcdefgxyz", min_size=1, max_size=8).map(lambda text: f"x-{text}")
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
bodies = st.binary(max_size=LIMIT)


@st.composite
def sent(draw):
    """A request's bytes and what they mean."""
    method, path, query, body = draw(methods), draw(paths), draw(st.text("ab=&", max_size=5)), draw(bodies)
    headers = {"host": "a", **draw(st.dictionaries(names, values, max_size=3))}
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=3)))
    chunks = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    if draw(st.booleans()):
        headers["transfer-encoding"] = "chunked"
        parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks if chunk]
        framed = b"".join([*parts, b"0\r\n", draw(st.sampled_from([b"", b"x-late: 1\r\n"])), b"\r\n"])
    else:
        headers["content-length"] = str(len(body))
        framed = body
    if draw(st.booleans()):
        headers |= {"connection": "upgrade", "upgrade": "h2c"}
    target = f"{path}?{query}" if query else path
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{key}: {headers[key]}\r\n" for key in headers)
    meant = HttpRequest(method, path, query, headers, body)
    return head.encode() + b"\r\n" + framed, meant


def split(data, cuts):
    places = sorted({min(cut, len(data)) for cut in cuts})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def parsed(parts):
    """Return the requests that parts hold, and the error that ends them."""
    parser, error = RequestParser(LIMIT), None
    for part in parts:
        try:
            parser.feed(part)
        except BadData as refused:
            error = (refused.status, str(refused))
            break
    return list(parser.requests), error


cuts = st.lists(st.integers(0, 6000), max_size=20)


@given(st.lists(sent(), max_size=4), cuts)
def test_requests_are_the_same_however_they_are_split(requests, cuts):
    data = b"".join(part for part, _ in requests)
    meant = [(request, Persistence.KEPT) for _, request in requests]
    assert parsed([data]) == (meant, None)
    assert parsed(split(data, cuts)) == (meant, None)


@given(sent())
def test_requests_are_the_same_byte_by_byte(request):
    data, meant = request
    assert parsed([data[index : index + 1] for index in range(len(data))]) == (
        [(meant, Persistence.KEPT)],
        None,
    )


@pytest.mark.parametrize("host", ["a", "a:1", "", "[::1]:9000", "a_b.c-d", "1.2.3.4", "%41"])
def test_a_host_header_is_a_host_and_a_port(host):
    requests, error = parsed([f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()])
    assert (len(requests), error) == (1, None)


@pytest.mark.parametrize(
    "host", ["a b", "a/b", "a:b", "[::1", "a@b", "<x>", "a?b", "a#b", "%zz", "a:123456", "\xff"]
)
def test_any_other_is_refused(host):
    rule = f"the Host header is {host!r}: it must be a host, or host:port"
    assert parsed([f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")]) == ([], (400, rule))


@st.composite
def damaged(draw):
    """Requests with some of their bytes replaced, left out or put in."""
    data = bytearray(b"".join(part for part, _ in draw(st.lists(sent(), min_size=1, max_size=3))))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 3))] = draw(
            st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b":", b"\0", b"\xff", b"0", b"9999999", b";", b","])
        )
    return bytes(data)


@given(st.one_of(st.binary(max_size=400), damaged()), cuts)
def test_any_bytes_are_requests_or_refused_and_however_they_are_split_the_same(data, cuts):
    whole, whole_error = parsed([data])
    parts, parts_error = parsed(split(data, cuts))
    assert parts == whole
    assert (parts_error is None) == (whole_error is None)


@given(st.lists(st.one_of(st.binary(max_size=200), damaged()), min_size=1, max_size=20))
def test_no_bytes_hang_the_server_or_end_it(served, packets):
    # Whatever came, the server ends the connection when the client has, and answers the next.
    for packet in packets:
        with served.connect() as client:
            client.send(packet)
            client.sock.shutdown(1)
            client.closed()
    with served.connect() as client:
        client.send(b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response().status == 200


@pytest.fixture(scope="module")
def served():
    with serving_http("lean") as http_server:
        yield http_server


def test_many_offers_of_another_protocol_in_one_packet():
    one = b"POST / HTTP/1.1\r\nHost: a\r\n" + OFFER + b"Content-Length: 1\r\n\r\nx"
    requests, error = parsed([one * 5000])
    assert error is None
    assert len(requests) == 5000


def test_requests_in_one_large_packet_are_not_taken_for_one_head():
    one = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    requests, error = parsed([one * 20_000 + one[:-2], b"\r\n"])
    assert error is None
    assert len(requests) == 20_001


def test_what_comes_after_an_offer_that_ends_the_connection_counts_for_nothing():
    one = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n"
    requests, error = parsed([one * 3])
    assert error is None
    assert [persistence for _, persistence in requests] == [Persistence.CLOSED]


def test_a_connection_is_kept_however_much_came_in_requests_of_several_packets():
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n"
    requests, error = parsed([head + b"x" * 899, b"x"] * 500)
    assert error is None
    assert len(requests) == 500
