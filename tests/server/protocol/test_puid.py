"""The id in an answer's headers."""

from __future__ import annotations

import uuid

import pytest

from server.protocol.meta import puid


@pytest.mark.parametrize(
    ("meta", "header", "wanted"),
    [({"puid": "a"}, "b", "a"), ({}, "b", "b"), ({"puid": ""}, "b", "b"), ({"puid": 1}, "b", "b")],
)
def test_it_is_the_requests_else_the_headers(meta, header, wanted):
    assert puid(meta, header) == wanted


@pytest.mark.parametrize("given", ["a\r\nset-cookie: b", "é", " a", "a ", "x" * 257, None, b"bytes"])
def test_one_that_no_header_may_hold_is_not_taken(given):
    assert uuid.UUID(puid({"puid": given}, given)).version == 4
