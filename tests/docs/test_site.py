"""The pages: every link leads somewhere, the site's navigation has each of them once, and each says what it is good for."""

from __future__ import annotations

import runpy
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SITE: dict[str, Any] = runpy.run_path(str(ROOT / "docs/build_site.py"))
PAGES = [page for page in SITE["nav"](tomllib.loads((ROOT / SITE["CONFIG"]).read_text())) if "/" not in page]
REPOSITORY = "https://github.com/acme/models"


def site(root: Path, **pages: str) -> list[str]:
    """Return what is wrong with a site of README.md and these pages of docs/, all of them in the navigation."""
    (root / "docs").mkdir()
    (root / "README.md").write_text("# Home\n")
    for name, text in pages.items():
        (root / "docs" / f"{name}.md").write_text(text)
    named = ", ".join(f'"{name}"' for name in ("index.md", *(f"{page}.md" for page in pages)))
    (root / "docs/zensical.toml").write_text(f"[project]\nnav = [{{ Start = [{named}] }}]\n")
    return list(SITE["problems"](root))


def test_no_link_is_broken_and_the_navigation_is_complete() -> None:
    assert list(SITE["problems"]()) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_begins_with_what_the_reader_can_do_after_it(page: str) -> None:
    if page == SITE["INDEX"]:
        return  # README.md begins with what the project is
    title, text = (ROOT / "docs" / page).read_text().split("\n", 1)
    assert title.startswith("# ")
    paragraphs = [part.strip() for part in text.split("\n\n")]
    assert next(part for part in paragraphs if part and not part.startswith("<!--")).startswith(
        "After this page "
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a](b.md)", "docs/a.md:1: b.md: there is no docs/b.md"),
        ("\n[a](../LICENSE)", "docs/a.md:2: ../LICENSE: there is no LICENSE"),
        ("[a](../../a.md)", "docs/a.md:1: ../../a.md: there is no ../a.md"),
        ("![a](a.svg)", "docs/a.md:1: a.svg: there is no docs/a.svg"),
        ("[a](#b)", "docs/a.md:1: #b: docs/a.md has no heading with this anchor"),
        ("[a](../README.md#b)", "docs/a.md:1: ../README.md#b: README.md has no heading with this anchor"),
        ("[`a`](b.md)", "docs/a.md:1: b.md: there is no docs/b.md"),
    ],
)
def test_a_broken_link_is_named(tmp_path: Path, text: str, problem: str) -> None:
    assert site(tmp_path, a=text) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        "[a](../README.md#home) ![a](../README.md) [b](https://example.com/none)",
        "# With `make`: a, b\n## A\n## A\n[a](#with-make-a-b) [b](#a) [c](#a-1)",
        "`[a](b.md)` ``[`a`](b.md)``\n```\n[a](b.md)\n```",
    ],
    ids=["elsewhere", "headings", "code"],
)
def test_a_link_that_leads_somewhere_is_none(tmp_path: Path, text: str) -> None:
    assert site(tmp_path, a=text) == []


def test_a_page_that_the_navigation_lacks_and_one_that_it_makes_up_are_named(tmp_path: Path) -> None:
    site(tmp_path, a="# A\n")
    (tmp_path / "docs/b.md").write_text("# B\n")
    (tmp_path / "docs/a.md").unlink()
    assert list(SITE["problems"](tmp_path)) == [
        "docs/zensical.toml: nav lacks b.md: add it where a person needs it",
        "docs/zensical.toml: nav names a.md, which is not in docs/",
    ]


@pytest.mark.parametrize(
    ("page", "link", "led"),
    [
        ("README.md", "docs/a.md#b", "a.md#b"),
        ("README.md", "docs/a.svg", "a.svg"),
        ("README.md", "LICENSE", f"{REPOSITORY}/blob/HEAD/LICENSE"),
        ("docs/a.md", "../README.md", "index.md"),
        ("docs/a.md", "b.md", "b.md"),
        ("docs/a.md", "decisions", f"{REPOSITORY}/blob/HEAD/docs/decisions"),
        ("docs/decisions/a.md", "../b.md", "../b.md"),
        ("docs/decisions/a.md", "b.md", "../decisions/b.md"),
        ("docs/a.md", "https://example.com/a.md", "https://example.com/a.md"),
        ("docs/a.md", "#b", "#b"),
    ],
)
def test_a_link_of_the_site_leads_where_it_leads_on_github(page: str, link: str, led: str) -> None:
    assert SITE["rewritten"](page, f"`[c](d.md)` [a]({link})", REPOSITORY) == f"`[c](d.md)` [a]({led})\n"


def test_code_in_a_list_is_code_on_the_site_too() -> None:
    text = "- An item:\n\n      code: 1\n\nText:\n\n      code: 2\n"
    shown = "- An item:\n\n        code: 1\n\nText:\n\n      code: 2\n"
    assert SITE["rewritten"]("docs/a.md", text, REPOSITORY) == shown


def test_the_site_has_every_page_and_picture(tmp_path: Path) -> None:
    SITE["assemble"](tmp_path / "site", REPOSITORY)
    pages = tmp_path / "site/pages"
    there = {path.relative_to(pages).as_posix() for path in pages.rglob("*.md")}
    assert {*PAGES} <= there
    assert (pages / "benchmark.svg").is_file()
    assert (pages / "demo.png").is_file()
    assert f'repo_url = "{REPOSITORY}"' in (tmp_path / "site/zensical.toml").read_text()
    shutil.rmtree(tmp_path / "site")
