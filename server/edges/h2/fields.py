"""The header fields of a request, as far as HTTP/2 itself rules them.

Source: https://www.rfc-editor.org/rfc/rfc9113#section-8.2
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from server.edges.h2.codes import Malformed

_NAME = re.compile(rb"[!-9;-@\[-~]+")
_NO_VALUE = re.compile(rb"[\0\r\n]|\A[ \t]|[ \t]\Z")
# What speaks of one connection of HTTP/1.1.
_OF_HTTP_1 = frozenset((b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"))
_PSEUDO = frozenset((b":method", b":scheme", b":path", b":authority"))
# What the size of a list counts for each field beside its bytes.
FIELD_BYTES = 32
# More than any length has, and few enough to read.
MOST_DIGITS = 18


class Fields:
    """The fields of a request. Values of one name are joined as text; ``size`` is that of the list.

    ``length`` is the body's in bytes, None where it is not told.

    Raises:
        Malformed: HTTP/2 does not allow them.
    """

    __slots__ = ("length", "method", "others", "path", "size")

    def __init__(self, fields: Iterable[tuple[bytes, bytes]], *, trailers: bool = False) -> None:
        pseudo: dict[bytes, bytes] = {}
        others: dict[str, str] = {}
        self.size = 0
        for name, value in fields:
            self.size += len(name) + len(value) + FIELD_BYTES
            if _NO_VALUE.search(value):
                raise Malformed(f"the value of {name!r} has what no value may have")
            if name.startswith(b":"):
                if trailers or others or name in pseudo or name not in _PSEUDO:
                    raise Malformed(f"{name!r} must not stand where it does")
                pseudo[name] = value
            else:
                _add(others, name, value)
        self.others = others
        self.method = pseudo.get(b":method", b"").decode("latin-1")
        self.path = pseudo.get(b":path", b"").decode("latin-1")
        wanted = (b":authority",) if self.method == "CONNECT" else (b":scheme", b":path")
        if not trailers and not (self.method and all(pseudo.get(name) for name in wanted)):
            raise Malformed("a request has :method, :scheme and :path")
        self.length = _length(others)


def _add(others: dict[str, str], name: bytes, value: bytes) -> None:
    if not _NAME.fullmatch(name):
        raise Malformed(f"{name!r} is no name of a field: those are in lower case")
    if name in _OF_HTTP_1 or (name == b"te" and value != b"trailers"):
        raise Malformed(f"{name!r} with {value!r} is HTTP/1.1's")
    key, text = name.decode("latin-1"), value.decode("latin-1")
    before = others.get(key)
    others[key] = text if before is None else f"{before}, {text}"


def _length(others: dict[str, str]) -> int | None:
    given = others.get("content-length")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= MOST_DIGITS):
        raise Malformed(f"content-length is {given!r}: it must be a number")
    return int(given)
