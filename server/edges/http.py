"""A request and a response of HTTP, apart from the layer that carries them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from types import MappingProxyType
from typing import NamedTuple

_NONE: Mapping[str, str] = MappingProxyType({})


class HttpRequest(NamedTuple):
    """A request whose body has been read. The ``headers``' names are in lower case; ``query`` is not decoded."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = _NONE
    body: bytes = b""
    version: str = "1.1"


class HttpResponse(NamedTuple):
    """A response. ``headers`` are what goes beside the date, the content's type and length, and the connection."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = _NONE


class HttpStream(NamedTuple):
    """A response whose body comes in parts: ``first``, and what ``rest``, which has been started, yields.

    Whoever carries it takes a part when the client has room for it, and closes ``rest`` at the end or when the client is
    gone.
    """

    status: int
    first: bytes
    rest: AsyncGenerator[bytes, None]
    content_type: str
    headers: Mapping[str, str] = _NONE
