"""The request line and headers of a request, and of a response.

Source: https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote

from httptools import HttpParserError, HttpRequestParser, parse_url

from server.api.routes import HttpResponse, HttpStream
from server.errors import BadData

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
# A uri-host and a port (RFC 3986, 3.2.2), without the comma that stands between two.
HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]{0,5})?")
CHUNKED = b"transfer-encoding: chunked\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


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
