"""The request line and headers of a request, and of a response.

Source: https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import re
from collections import deque
from enum import Enum
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote

from httptools import (
    HttpParserCallbackError,
    HttpParserError,
    HttpParserUpgrade,
    HttpRequestParser,
    parse_url,
)

from server.api.routes import HttpRequest, HttpResponse, HttpStream
from server.errors import BadData, BodyTooLarge, HeadTooLarge, ServerError

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
# A uri-host and a port (RFC 3986, 3.2.2), without the comma that stands between two.
HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?")
CHUNKED = b"transfer-encoding: chunked\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# What may come around a body, such as the sizes of its chunks: this much, and this much for every byte of it.
MAX_FRAMING_BYTES, MAX_FRAMING_PER_BYTE = 2 * MAX_HEAD_BYTES, 16
# What a request takes beside its body, in bytes of memory.
_REQUEST_BYTES = 1024


class Persistence(Enum):
    """Keep-alive or close after a response, with the response's Connection header."""

    KEPT = b""
    KEPT_BY_1_0 = b"connection: keep-alive\r\n"
    CLOSED = b"connection: close\r\n"


class RequestHead:
    """A request's line and headers, checked.

    ``length`` is the body's in bytes, 0 for a chunked body or none; ``awaits`` whether the client waits for 100 Continue;
    ``framing`` the header line that frames the body, for a new parser after a declined Upgrade.

    Raises:
        BadData: the head violates HTTP/1.1.
    """

    __slots__ = ("awaits", "framing", "length", "method", "path", "persistence", "query", "version")

    def __init__(self, http: HttpRequestParser, url: bytes, headers: dict[str, str]) -> None:
        self.method = http.get_method().decode()
        self.version = version = http.get_http_version()
        coding = headers.get("transfer-encoding")
        self.persistence = Persistence.KEPT if http.should_keep_alive() else Persistence.CLOSED
        if version == "1.1":
            if "host" not in headers or "," in headers["host"]:
                raise BadData("the request has no Host header, or several: HTTP/1.1 asks for one")
            if HOST.fullmatch(headers["host"]) is None:
                raise BadData(f"the Host header is {headers['host'][:60]!r}: it must be a host, or host:port")
        elif version != "1.0":
            raise BadData(f"the request is HTTP/{version}: it must be HTTP/1.1 or HTTP/1.0")
        elif coding is not None:
            raise BadData("the request has a Transfer-Encoding: HTTP/1.0 has none, send a Content-Length")
        elif self.persistence is Persistence.KEPT:
            self.persistence = Persistence.KEPT_BY_1_0
        if coding is not None and coding.lower() != "chunked":
            raise BadData(f"Transfer-Encoding is {coding!r}: it must be chunked")
        self.path, self.query = _target(url)
        self.length = int(headers.get("content-length", 0))
        self.awaits = headers.get("expect", "").lower() == "100-continue" and version == "1.1"
        self.framing = b""
        if http.should_upgrade() and (coding or self.length):
            self.framing = (
                b"transfer-encoding: chunked\r\n" if coding else b"content-length: %d\r\n" % self.length
            )


def _target(url: bytes) -> tuple[str, str]:
    """Return the path of a request's target, decoded, and its query."""
    if not url.startswith(b"/") and url != b"*":
        # The absolute form, as sent to a proxy.
        try:
            parsed = parse_url(url)
        except HttpParserError as error:
            raise BadData(f"the request's target is {url.decode('latin-1')!r}: it must be a path") from error
        url = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
    path, _, query = url.decode("latin-1").partition("?")
    return unquote(path) if "%" in path else path, query


def response_head(
    response: HttpResponse | HttpStream, date: bytes, persistence: Persistence, framing: bytes
) -> bytes:
    """Return the head of a response; ``date`` is the line that says when it was made, ``framing`` what frames its body."""
    lines = [_start(response.status, response.content_type), date, persistence.value]
    lines += [f"{name}: {value}\r\n".encode("latin-1") for name, value in response.headers.items()]
    lines.append(framing)
    lines.append(b"\r\n")
    return b"".join(lines)


@lru_cache(maxsize=64)
def _start(status: int, content_type: str) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {content_type}\r\n".encode()


class RequestParser:
    """Parses fed bytes into requests.

    ``requests`` are the complete ones, each with the persistence of the connection after its response; ``reading`` is
    true while another is incomplete, ``awaited`` while its client waits for 100 Continue.

    Args:
        limit: largest body in bytes.
        client: the address that they come from.
    """

    def __init__(self, limit: int, client: str = "") -> None:
        self.requests: deque[tuple[HttpRequest, Persistence]] = deque()
        self.reading = self.awaited = False
        self._limit = limit
        self._client = client
        self._http = HttpRequestParser(self)
        self._fed = self._waiting = 0
        self._body: bytes | bytearray = b""
        self._ended = self._resumed = False

    def feed(self, data: bytes | memoryview) -> None:
        """Feed the next bytes. Those after a request that closes the connection are ignored.

        Raises:
            BadData: they are not a valid request; feed nothing more.
        """
        before = len(self.requests)
        rest: bytes | memoryview = data
        while rest and not self._ended:
            rest = self._feed(rest)
        self._fed = self._fed + len(data) if len(self.requests) == before else 0
        if self.reading and self._fed > MAX_FRAMING_BYTES + MAX_FRAMING_PER_BYTE * len(self._body):
            raise _head_too_large()

    def next(self) -> tuple[HttpRequest, Persistence]:
        """Remove and return the oldest complete request."""
        request, persistence = self.requests.popleft()
        self._waiting -= len(request.body) + _REQUEST_BYTES
        return request, persistence

    @property
    def held(self) -> int:
        """Bytes of memory taken by the complete requests and by the body being read."""
        # A body that grows is copied.
        return self._waiting + (2 * len(self._body) if self.reading else 0)

    def drop(self) -> None:
        """Discard all that was read; feed nothing more."""
        self.requests.clear()
        self._waiting, self._body = 0, b""

    def _feed(self, data: bytes | memoryview) -> bytes | memoryview:
        """Feed llhttp; return the bytes that it leaves after a request with an Upgrade header."""
        try:
            self._http.feed_data(data)
        except HttpParserUpgrade as upgrade:
            rest = memoryview(data)[upgrade.args[0] :]
        except HttpParserCallbackError as error:
            raise error.__context__ if isinstance(error.__context__, ServerError) else error from None
        except HttpParserError as error:
            if not self._ended:
                raise BadData(f"the request is not HTTP/1.1: {error}") from error
            return b""
        else:
            return b""
        # The upgrade is declined. llhttp has skipped the body too, so a new parser is fed its framing first.
        self._http = HttpRequestParser(self)
        if self._head is not None and self.reading:
            self._resumed = True
            self._http.feed_data(b"POST / HTTP/1.1\r\n" + self._head.framing + b"\r\n")
        return rest

    # Callbacks of llhttp.

    def on_message_begin(self) -> None:
        """A request starts."""
        if not self._resumed:
            self.reading = True
            self._url = b""
            self._headers: dict[str, str] = {}
            self._head: RequestHead | None = None
            self._head_bytes_left, self._headers_left = MAX_HEAD_BYTES, MAX_HEADERS
            self._body = b""

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._url += url
        self._head_bytes_left -= len(url)
        if self._head_bytes_left < 0:
            raise _head_too_large()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A complete header; a trailer of a chunked body is ignored."""
        self._head_bytes_left -= len(name) + len(value)
        self._headers_left -= 1
        if self._head_bytes_left < 0 or self._headers_left < 0:
            raise _head_too_large()
        if self._head is None:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            before = self._headers.get(key)
            self._headers[key] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        """Check the head, so that an invalid one is refused before its body is read."""
        if self._head is None:
            self._head = head = RequestHead(self._http, self._url, self._headers)
            if head.length > self._limit:
                raise self._too_large(f"{head.length} bytes")
            self.awaited = head.awaits

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self.awaited = False
        if len(self._body) + len(part) > self._limit:
            raise self._too_large(f"more than {self._limit} bytes")
        if not self._body:
            self._body = part
            return
        if isinstance(self._body, bytes):
            self._body = bytearray(self._body)
        self._body += part

    def on_message_complete(self) -> None:
        """A request is complete, unless its body comes after an offer of another protocol."""
        head = self._head
        if head is None or (head.framing and not self._resumed):
            return
        body = bytes(self._body)
        request = HttpRequest(
            head.method, head.path, head.query, self._headers, body, head.version, self._client
        )
        self.requests.append((request, head.persistence))
        self._waiting += len(body) + _REQUEST_BYTES
        self._ended = head.persistence is Persistence.CLOSED
        self.reading = self.awaited = self._resumed = False

    def _too_large(self, size: str) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body has {size}: the limit is {self._limit}; send fewer rows at a time, "
            "or raise SERVER_MAX_BODY_BYTES"
        )


def _head_too_large() -> HeadTooLarge:
    return HeadTooLarge(
        f"the request's head is too large: it may have {MAX_HEAD_BYTES} bytes in {MAX_HEADERS} headers; send less"
    )
