"""Colours are for terminals, and for who wants them."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from gitops.terminal import paint


@contextmanager
def terminal() -> Iterator[TextIO]:
    outer, inner = pty.openpty()
    with os.fdopen(inner, "w") as stream:
        yield stream
    os.close(outer)


@pytest.fixture(autouse=True)
def _wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("line", "painted"),
    [
        ("error: no", "\x1b[31merror\x1b[0m: no"),
        ("error[schema] overlays/model", "\x1b[31merror\x1b[0m[schema] overlays/model"),
        ("  ok     git: 2.39", "  \x1b[32mok\x1b[0m     git: 2.39"),
        ("  ?      gh: none", "  \x1b[33m?\x1b[0m      gh: none"),
        ("okay", "okay"),
        ("overlays/model: ok", "overlays/model: ok"),
    ],
)
def test_the_word_that_a_line_begins_with_has_its_colour(line: str, painted: str) -> None:
    with terminal() as stream:
        assert paint(line, stream) == painted


def test_no_colour_in_a_file_nor_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert paint("error: no", io.StringIO()) == "error: no"
    with terminal() as stream:
        monkeypatch.setenv("NO_COLOR", "1")
        assert paint("error: no", stream) == "error: no"
        monkeypatch.delenv("NO_COLOR")
        monkeypatch.setenv("TERM", "dumb")
        assert paint("error: no", stream) == "error: no"
