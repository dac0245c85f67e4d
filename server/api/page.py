"""A page that a browser gets in one answer: HTML with its style and scripts inside, and the headers that let it run nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent
# What the pages share: how they look, and a form that sends a request and shows its answer.
STYLE, FORM = _HERE / "page.css", _HERE / "form.js"
CONTENT_TYPE = "text/html; charset=utf-8"


class Page(NamedTuple):
    """A page: ``body`` is UTF-8, ``headers`` go beside the content's type and length."""

    body: bytes
    headers: Mapping[str, str]


def page(html: Path, scripts: Sequence[Path]) -> Page:
    """Return the page of the file ``html`` with the style of all pages and these scripts, in this order, at the end of its head.

    A browser runs what has the hash of these, and connects to the address that the page is from and to no other. What an
    answer or a log holds becomes text: Trusted Types refuse to make HTML of it.
    Source: https://www.w3.org/TR/CSP3/, https://www.w3.org/TR/trusted-types/
    """
    style = STYLE.read_text(encoding="utf-8")
    # One script: what an earlier file declares is known to a later one.
    script = "\n".join(file.read_text(encoding="utf-8") for file in scripts)
    head = f'<style>{style}</style>\n<script type="module">{script}</script>\n</head>'
    text = html.read_text(encoding="utf-8").replace("</head>", head)
    policy = {
        "default-src": "'none'",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "connect-src": "'self'",
        # The icon that the page says it has none of.
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    headers = {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
    return Page(text.encode(), headers)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
