"""The reference pages are those that the code would write."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_current(page):
    assert (DOCS / page).read_text(encoding="utf-8") == PAGES[page](), "run `make docs` and commit its result"


def test_every_exit_code_of_a_verb_is_its_own():
    rows = [line.split("|") for line in PAGES["errors.md"]().splitlines() if line.startswith("| ")][1:]
    codes = [code for row in rows if (code := row[5].strip())]
    assert len(codes) > 5
    assert len(set(codes)) == len(codes)
