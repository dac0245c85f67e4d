"""The overlays that `make bench-diff` and `make bench-check` measure."""

from __future__ import annotations

import io
from pathlib import Path

from benchmarks.diff import generate
from gitops.check import check


def test_the_check_finds_nothing_wrong_with_them(tmp_path: Path) -> None:
    generate(tmp_path, 2)
    out = io.StringIO()
    assert check(tmp_path, out) == 0, out.getvalue()
