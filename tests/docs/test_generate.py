"""The reference pages are those that the code would write."""

from __future__ import annotations

import ast
import runpy
import tomllib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_current(page):
    assert (DOCS / page).read_text(encoding="utf-8") == PAGES[page](), "run `make docs` and commit its result"


def test_every_exit_code_of_a_verb_is_its_own():
    rows = [line.split("|") for line in PAGES["errors.md"]().splitlines() if line.startswith("| ")]
    codes = [row[2].strip() for row in rows if len(row) == 7 and row[2].strip().isdigit()]
    assert len(codes) > 5
    assert len(set(codes)) == len(codes)


def raised_names():
    """Return the names of the classes in server/ and gitops/ that derive, over others or not, from one of the two bases."""
    parents: dict[str, list[str]] = {}
    for folder in ("server", "gitops"):
        for path in (DOCS.parent / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    parents.setdefault(node.name, []).extend(
                        ast.unparse(base).rpartition(".")[2] for base in node.bases
                    )
    found = {"ServerError", "GitopsError"}
    while more := {name for name, bases in parents.items() if found & {*bases}} - found:
        found |= more
    return found


def test_every_error_has_a_cause_and_a_fix():
    remedies = tomllib.loads((DOCS / "remedies.toml").read_text(encoding="utf-8"))
    assert {*remedies} == raised_names(), (
        "docs/remedies.toml has an entry for each error: why, and what to do"
    )
    assert {name for name, remedy in remedies.items() if not remedy["cause"] or not remedy["fix"]} == set()
    page = PAGES["errors.md"]()
    assert [name for name in remedies if page.count(f"\n| {name} | ") != 1] == []
