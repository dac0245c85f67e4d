"""Any text as Markdown: code, tables and lists that GitHub shows as they were given."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gitops.markdown import WIDTH, block, code, folded, joined, listed, short, table, visible

MARKDOWN = MarkdownIt("commonmark").enable("table")
# What nobody sees is shown by its number; that has a test of its own.
SEEN = st.characters(exclude_categories=["C", "Z"], include_characters=" ").filter(
    lambda character: visible(character) == character
)
LINE = st.text(SEEN, min_size=1, max_size=WIDTH).filter(
    lambda text: text.strip() == text and "  " not in text
)


class Read(HTMLParser):
    """What a browser shows: the text of each code and of each cell, and which tags there are."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.codes: list[str] = []
        self.cells = 0
        self.feed(MARKDOWN.render(markdown))

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.cells += tag == "td"
        if tag == "code":
            self.codes.append("")

    def handle_data(self, data: str) -> None:
        if self.codes:
            self.codes[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self.codes.append("")


@given(LINE)
def test_code_shows_any_line_as_it_is(line: str) -> None:
    read = Read(f"a {code(line)} b")
    assert read.codes[0] == line
    assert read.tags == ["p", "code"]


@given(st.lists(st.tuples(LINE, LINE), min_size=1, max_size=4))
def test_cells_of_a_table_show_any_line(rows: list[tuple[str, str]]) -> None:
    read = Read(table(("a", "b"), [(code(left), code(right)) for left, right in rows]))
    assert read.cells == 2 * len(rows)
    assert [text for text in read.codes if text.strip()] == [text for row in rows for text in row]


@given(st.text(st.characters(exclude_categories=["C"], include_characters="`~\n"), max_size=60))
def test_a_block_holds_any_text(text: str) -> None:
    assert Read(block(text, "diff")).tags == ["pre", "code"]


def test_code_of_several_lines_of_none_and_of_too_many_characters() -> None:
    assert code("a\n  b") == "`a ⏎ b`"
    assert code(" ") == "—"
    assert code("a\x00b\u202e\u115f") == "`a‹U+0000›b‹U+202E›‹U+115F›`"
    assert len(code("x" * 1000)) == WIDTH + 2
    assert code("x" * 1000).endswith("x…`")


@pytest.mark.parametrize("number", [10, 12])
def test_of_many_names_the_first_are_listed(number: int) -> None:
    said = listed(map(str, range(number)))
    assert said.startswith("`0`, `1`")
    assert said.endswith("`9`" if number == 10 else "`9` and 2 others")
    assert joined(["a", "b"], 1) == "a and 1 others"


def test_a_fold() -> None:
    assert folded("a <b>", "text") == "<details><summary>a &lt;b&gt;</summary>\n\ntext\n\n</details>"


@pytest.mark.parametrize("unseen", ["\u200b", "\u2066", "\u202e", "\ufeff", "\u3164", "\u2800", "\x1b"])
def test_a_character_that_nobody_sees_is_written_by_its_number(unseen: str) -> None:
    said = f"‹U+{ord(unseen):04X}›"
    assert said in code(f"a{unseen}b")
    assert block(f"+a{unseen}b\n\tc", "diff") == f"```diff\n+a{said}b\n\tc\n```"


def test_digests_are_short_and_other_numbers_whole() -> None:
    digest = "0123456789abcdef" * 4
    assert short(f"image@sha256:{digest} {digest}") == f"image@sha256:0123456789ab… {digest}"
