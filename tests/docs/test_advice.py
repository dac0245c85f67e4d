"""What messages advise exists: settings, variables, targets of make, verbs, pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import yaml

from gitops import __main__ as gitops
from server import __main__ as server
from server import settings

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = dict(re.findall(r"^([a-z0-9-]+):.*?\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE))
DOCS = "\n".join(page.read_text() for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
SETTINGS = {
    name
    for kind in vars(settings).values()
    if isinstance(kind, type) and kind.__name__.endswith("Settings")
    for field in fields(kind)
    for name in field.metadata["env"]
}
# What GitHub sets in every job, and a frame of HTTP/2.
ELSEWHERE = {"GITHUB_REPOSITORY", "GITHUB_WORKFLOW", "WINDOW_UPDATE"}


def prose(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every string with words in it that is no docstring; what is formatted into one is …."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            inside.update(id(part) for part in ast.walk(node.value) if isinstance(node.value, ast.Constant))
        if isinstance(node, ast.JoinedStr):
            inside.update(id(part) for part in ast.walk(node) if part is not node)
            parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
            yield node.lineno, "".join(parts)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


@cache
def texts() -> list[tuple[str, str]]:
    """Return the place and text of every string with words in it."""
    return [
        (f"{path.relative_to(ROOT)}:{line}", text)
        for folder in ("server", "gitops")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.name.endswith("_pb2.py")
        for line, text in prose(ast.parse(path.read_text()))
        if " " in text.strip()
    ]


def said(pattern: str) -> list[tuple[str, ...]]:
    """Return each place of a message with what the pattern's groups found in it."""
    return [
        (place, *(match if isinstance(match, tuple) else (match,)))
        for place, text in texts()
        for match in re.findall(pattern, text)
    ]


def test_messages_are_found() -> None:
    assert len(texts()) > 500
    assert said(r"(ENVIRONMENT_INDEX_STRATEGY)")


def test_a_variable_that_is_named_is_a_setting_or_documented() -> None:
    named = said(r"(?<![\w.$%-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?![\w(])")
    unknown = [
        (place, name)
        for place, name in named
        if name not in SETTINGS | ELSEWHERE and not re.search(rf"\b{name}\b", DOCS + MAKEFILE)
    ]
    assert unknown == []


def test_a_target_that_is_named_takes_what_is_said() -> None:
    named = said(r"`make ([a-z0-9-]+)([^`]*)`")
    assert len(named) > 50
    wrong = [
        f"{place}: make {target} {name}".strip()
        for place, target, more in named
        for name in ("", *re.findall(r"\b([A-Z_]+)=", more))
        if target not in TARGETS or (name and not re.search(rf"\$+[({{]*{name}\b", TARGETS[target]))
    ]
    assert wrong == []


def commands() -> set[tuple[str, str, str]]:
    """Return the page, target and rest of the line of each command of make that a page shows, in a line of its own or a span."""
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    found = set()
    for page in [*pages, *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text()
        for pattern in (
            r"`make ([a-z0-9-]+)((?: +[A-Z_]+=[^` ]*)*)`",
            r"^(?:    |\$ )make ([a-z0-9-]+)((?: +[A-Z_]+=\S*)*)",
            r"^make ([a-z0-9-]+)((?: +[A-Z_]+=\S*)*)(?: +#.*)?$",
        ):
            found |= {
                (page.relative_to(ROOT).as_posix(), *match)
                for match in re.findall(pattern, text, re.MULTILINE)
            }
    return found


def test_a_command_of_a_page_is_one_of_the_makefile() -> None:
    shown = commands()
    assert len(shown) > 80
    sources = [ROOT / "Dockerfile", *(ROOT / "gitops").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    read = "\n".join([MAKEFILE, *(path.read_text() for path in sources)])
    unknown = [
        f"{page}: make {target} {more.strip()}: {name or 'no such target'}"
        for page, target, more in sorted(shown)
        for name in ("", *re.findall(r"\b([A-Z_]+)=", more))
        if target not in TARGETS or not re.search(rf"\b{name}\b", read)
    ]
    assert unknown == []


def test_a_verb_that_is_named_is_there() -> None:
    known = {"server": server.parser(), "gitops": gitops.parser()}
    for place, module, verb in said(r"`?python -m (server|gitops) ([a-z-]+)"):
        assert verb in known[module].format_help(), place


def test_a_page_that_is_named_is_there() -> None:
    missing = [(place, page) for place, page in said(r"\b(docs/[\w./-]+\.md)") if not (ROOT / page).is_file()]
    assert missing == []


def test_xtype_is_named_only_where_it_is_chosen() -> None:
    """It mends few requests: a promotion that is refused tries the others before it names one."""
    where = {place.partition(":")[0] for place, _ in said(r"\b(xtype)\b")}
    chosen = {"gitops/policies/models.py", "gitops/promote/new_overlay.py", "server/all.py"}
    assert where <= {
        *chosen,
        "gitops/promote/prediction.py",
        "server/pins/contract.py",
        "server/environment/flavors.py",
    }


def test_what_shows_that_a_machine_will_do_is_there() -> None:
    table = (ROOT / "docs" / "quickstart.md").read_text().partition("| --- |")[2].partition("\n\n")[0]
    shown = table.splitlines()[1:]
    assert len(shown) >= 5, table
    for row in shown:
        jobs = re.findall(r"`([a-z0-9]+\.yml)`, job `([a-z-]+)`", row)
        tests = re.findall(r"`(tests/[\w/.]+)`", row)
        assert jobs or tests, row
        for file, job in jobs:
            assert job in yaml.safe_load((ROOT / ".github/workflows" / file).read_text())["jobs"], row
        for test in tests:
            assert (ROOT / test).is_file(), row
