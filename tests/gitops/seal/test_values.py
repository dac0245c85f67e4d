from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from gitops.errors import BadValue
from gitops.seal.stores import Value
from gitops.seal.values import clean, collect, given

VALUES = (
    Value("USER", "who"),
    Value("TOKEN", "what", hidden=True),
    Value("SERVER", "where", default="ghcr.io"),
)


def silent(notice: str) -> None:
    raise AssertionError(f"said {notice}")


def test_lines_count_before_the_environment_and_both_before_asking() -> None:
    said: list[str] = []
    asked: list[str] = []

    def ask(value: Value) -> str:
        asked.append(value.name)
        return "asked"

    found = collect(VALUES, {"USER": "line"}, {"USER": "environ", "TOKEN": "environ"}, ask, said.append)
    assert found == {"USER": "line", "TOKEN": "environ", "SERVER": "asked"}
    assert asked == ["SERVER"]
    assert said == ["TOKEN: taken from the environment"]


def test_an_empty_answer_means_the_default() -> None:
    found = collect(VALUES[2:], {}, {}, lambda value: "", silent)
    assert found == {"SERVER": "ghcr.io"}


def test_an_optional_value_is_taken_where_it_is_given_and_not_asked_for() -> None:
    values = (Value("TRACKING", "server", optional=True), Value("REGION", "place", optional=True))
    assert collect(values, {"TRACKING": "line"}, {}, lambda value: "asked", silent) == {"TRACKING": "line"}


def test_without_a_terminal_what_is_missing_is_named() -> None:
    with pytest.raises(BadValue) as caught:
        collect(VALUES, {"USER": "me"}, {}, None, silent)
    assert str(caught.value) == (
        "no value for TOKEN: give them on standard input as NAME=value, in the environment, or at a terminal"
    )


@pytest.mark.parametrize("value", ["hunter2\n", "hunter2\r\n", "\nhunter2"])
def test_a_stray_line_break_is_taken_off_and_said(value: str) -> None:
    said: list[str] = []
    assert clean("TOKEN", value, said.append) == "hunter2"
    assert said == ["TOKEN: took white space off its ends (a line break)"]


def test_blanks_are_taken_off_and_said() -> None:
    said: list[str] = []
    assert clean("TOKEN", " hunter2\t", said.append) == "hunter2"
    assert said == ["TOKEN: took white space off its ends (blanks)"]


@pytest.mark.parametrize(
    ("value", "said"),
    [("", "TOKEN is empty"), ("hun\nter2", "TOKEN has a line break inside: give the value alone")],
)
def test_a_value_that_cannot_be_one(value: str, said: str) -> None:
    with pytest.raises(BadValue) as caught:
        clean("TOKEN", value, silent)
    assert str(caught.value) == said


def test_lines_are_read_as_they_are_written() -> None:
    lines = ["# comment\n", "\n", "USER=me\n", "TOKEN= a=b'c\"#\n", "SERVER=x"]
    assert given(lines, ["USER", "TOKEN", "SERVER"]) == {"USER": "me", "TOKEN": " a=b'c\"#", "SERVER": "x"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hunter2", "line 2 of standard input: must have the form NAME=value"),
        ("TOKNE=hunter2", "line 2 of standard input: names no value; there are USER, TOKEN"),
    ],
)
def test_a_line_of_another_form_is_refused_and_not_shown(line: str, said: str) -> None:
    with pytest.raises(BadValue) as caught:
        given(["USER=me\n", f"{line}\n"], ["USER", "TOKEN"])
    assert str(caught.value) == said


@for_all(st.text(st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"])))
def test_every_value_of_one_line_arrives(value: str) -> None:
    found = given([f"TOKEN={value}\n"], ["TOKEN"])["TOKEN"]
    assert found == value
    if value.strip():
        try:
            assert clean("TOKEN", found, lambda notice: None) == value.strip()
        except BadValue:
            # Other characters that end a line, such as U+2028, are none to a Secret.
            raise AssertionError(repr(value)) from None
