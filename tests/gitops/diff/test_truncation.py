"""A report within the characters that a comment of GitHub takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.diff.report import Lines, Report
from gitops.diff.section import Section
from gitops.diff.truncation import MINIMUM_LIMIT, truncate
from gitops.markdown import utf8_bytes, utf16_units

WHOLE = "The whole is elsewhere."
TEXT = st.sampled_from(["a", "ä", "😀", "word "]).flatmap(
    lambda text: st.integers(0, 3000).map(lambda n: text * n)
)
SECTIONS = st.lists(
    st.tuples(TEXT, TEXT).map(
        lambda texts: Section((f"overlays/{'x' * 100}",) * 30, f"### {texts[0]}", texts[1])
    ),
    max_size=12,
)
HEAD = st.lists(
    st.builds(Lines, st.just("| head |"), st.lists(TEXT, max_size=8).map(tuple), st.just("and {} more")),
    max_size=2,
)
REPORTS = st.builds(lambda head, sections: Report("## Title", tuple(head), tuple(sections)), HEAD, SECTIONS)


@given(REPORTS, st.integers(MINIMUM_LIMIT, 30_000), st.sampled_from([utf16_units, utf8_bytes]))
def test_a_report_is_never_longer_than_its_limit(report: Report, limit: int, measure: object) -> None:
    assert measure in (utf16_units, utf8_bytes)
    text = truncate(report, limit, utf16_units if measure is utf16_units else utf8_bytes, WHOLE)
    assert (utf16_units if measure is utf16_units else utf8_bytes)(text) <= limit
    assert text.startswith("## Title\n")
    entire = truncate(report, 10**9, utf16_units, WHOLE)
    assert (WHOLE in text) == (text != entire)


def report(*sections: Section, lines: int = 0) -> Report:
    return Report(
        "## Title",
        (Lines("> head", tuple(f"> - {n:0100}" for n in range(lines)), "> - and {} more"),),
        sections,
    )


def section(name: str, summary: int = 10, diff: int = 10) -> Section:
    return Section(
        (f"overlays/{name}",), f"summary of {name} {'.' * summary}", f"diff of {name} {'.' * diff}"
    )


def test_all_of_it_where_there_is_room() -> None:
    assert truncate(report(section("a"), lines=1), MINIMUM_LIMIT, utf16_units, WHOLE) == (
        f"## Title\n\n> head\n> - {0:0100}\n\nsummary of a ..........\n\ndiff of a ..........\n"
    )


def test_the_differences_are_left_out_first_and_named() -> None:
    text = truncate(
        report(section("a", 10, 5000), section("b"), section("c", 10, 5000)),
        MINIMUM_LIMIT,
        utf16_units,
        WHOLE,
    )
    assert [line.partition(" .")[0] for line in text.splitlines() if " of " in line] == [
        f"> Too long for here, so left out: the differences of `overlays/a`, `overlays/c`. {WHOLE}",
        "summary of a",
        "summary of b",
        "diff of b",
        "summary of c",
    ]


def test_then_whole_sections_are() -> None:
    text = truncate(
        report(section("a", 2000), section("b", 2000), section("c", 10)), MINIMUM_LIMIT, utf16_units, WHOLE
    )
    assert text.startswith(
        f"## Title\n\n> [!NOTE]\n> Too long for here, so left out: all else of `overlays/b`. {WHOLE}\n\n> head"
    )
    assert "summary of a" in text
    assert "summary of c" in text


def test_a_long_head_is_shortened() -> None:
    text = truncate(report(section("a"), lines=100), MINIMUM_LIMIT, utf16_units, WHOLE)
    shown = text.count("> - 0")
    assert 0 < shown < 100
    assert f"> - and {100 - shown} more" in text
    assert "diff of a" in text
    assert f"> Too long for here, so left out: some lines of what follows. {WHOLE}\n" in text


@pytest.mark.parametrize(("text", "units"), [("a", 1), ("ä", 1), ("😀", 2)])
def test_characters_are_counted_as_a_browser_does(text: str, units: int) -> None:
    assert utf16_units(text) == units
