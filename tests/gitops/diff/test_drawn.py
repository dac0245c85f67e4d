"""The comments of typical changes as a browser draws them, with the rules by which GitHub draws tables and code.

Chromium (`apt-get install chromium`) must be there; the folder SCREENSHOTS gets what it drew.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

SNAPSHOTS = Path(__file__).parent / "snapshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# As github-markdown-css has them: https://github.com/sindresorhus/github-markdown-css
STYLE = """
body { margin: 0; padding: 0 16px; box-sizing: border-box; }
.markdown-body { font: 14px/1.5 "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; word-wrap: break-word; }
.markdown-body table { display: block; width: max-content; max-width: 100%; overflow: auto; border-spacing: 0;
  border-collapse: collapse; }
.markdown-body th, .markdown-body td { padding: 6px 13px; border: 1px solid #d1d9e0; }
.markdown-body code { padding: .2em .4em; font: 85% ui-monospace, "Liberation Mono", monospace; white-space: break-spaces;
  background: #818b981f; border-radius: 6px; }
.markdown-body pre { padding: 16px; overflow: auto; background: #f6f8fa; }
.markdown-body pre code { padding: 0; white-space: pre; background: none; }
.markdown-body blockquote { margin: 0 0 16px; padding: 0 1em; border-left: .25em solid #cf222e; }
"""
SCRIPT = """
const found = [...document.querySelectorAll("section")].map(section => ({
  name: section.id,
  wide: section.scrollWidth > document.body.clientWidth,
  tables: [...section.querySelectorAll("table")].map(table => [table.clientWidth, table.scrollWidth]),
  callouts: [...section.querySelectorAll("blockquote")].map(quote => [quote.clientWidth, quote.scrollWidth]),
}));
const pre = document.createElement("pre");
pre.id = "measured";
pre.textContent = JSON.stringify({page: document.documentElement.scrollWidth, found});
document.body.append(pre);
"""


def page() -> str:
    """All comments, with folds open: what is folded must be readable too."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    sections = [
        f'<section id="{file.stem}"><h1>{file.stem}</h1>{parser.render(file.read_text())}</section>'
        for file in sorted(SNAPSHOTS.iterdir())
    ]
    body = "\n".join(sections).replace("<details>", "<details open>")
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><body class="markdown-body">{body}<script>{SCRIPT}</script>'


def chromium(*arguments: str, home: Path) -> str:
    assert CHROMIUM
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *arguments],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout


@pytest.mark.long
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
@pytest.mark.parametrize("width", [880, 390])
def test_a_comment_is_read_without_scrolling_the_page(tmp_path: Path, width: int) -> None:
    file = tmp_path / "comments.html"
    file.write_text(page())
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    # A window of Chromium is 500 px wide at least: the page is in a frame of the width that is asked for.
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<body style="margin:0"><iframe src="comments.html" style="border:0;width:{width}px;height:16000px">'
    )
    size = f"--window-size={max(width, 500)},16000"
    chromium(size, f"--screenshot={folder}/comments-{width}.png", frame.as_uri(), home=tmp_path)
    inner = tmp_path / "measured.html"
    inner.write_text(
        page().replace(
            '<body class="markdown-body">', f'<body class="markdown-body" style="width:{width}px">'
        )
    )
    dom = chromium("--window-size=1000,1000", "--dump-dom", inner.as_uri(), home=tmp_path)
    match = re.search(r'<pre id="measured">(.*?)</pre>', dom, re.S)
    assert match
    measured: dict[str, Any] = json.loads(html.unescape(match[1]))
    assert {entry["name"] for entry in measured["found"]} == {file.stem for file in SNAPSHOTS.iterdir()}
    for entry in measured["found"]:
        assert not entry["wide"], entry["name"]
        # What must not be overlooked is wrapped, never cut.
        assert all(inner <= outer for outer, inner in entry["callouts"]), entry["name"]
        if width == 880:
            assert all(inner <= outer for outer, inner in entry["tables"]), entry
        else:
            # A telephone scrolls a table within itself, by no more than its width once more.
            assert all(inner <= 2.6 * outer for outer, inner in entry["tables"]), entry
