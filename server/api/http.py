"""An HTTP request and response, as the routes see them: no sockets, no parser."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from types import MappingProxyType
from typing import NamedTuple

_NONE: Mapping[str, str] = MappingProxyType({})


class HttpRequest(NamedTuple):
    """A request whose body has been read, from the address ``client``.

    The ``headers``' names are in lower case; ``query`` is not decoded.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = _NONE
    body: bytes = b""
    version: str = "1.1"
    client: str = ""


class HttpResponse(NamedTuple):
    """A response. ``headers`` are what goes beside the date, the content's type and length, and the connection."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = _NONE


class HttpStream(NamedTuple):
    """A response whose body comes in parts: ``first``, and what ``rest``, which has been started, yields.

    The transport takes the next part when the client has read those before it (back-pressure), and closes ``rest`` at
    the end or when the client disconnects.
    """

    status: int
    first: bytes
    rest: AsyncGenerator[bytes, None]
    content_type: str
    headers: Mapping[str, str] = _NONE
