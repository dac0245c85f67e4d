"""README's figures are those of docs/benchmark.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BENCHMARK = (ROOT / "docs/benchmark.md").read_text()
# The row of README's table, and the server of docs/benchmark.md.
SERVERS = {
    "this repository": "this server",
    "Seldon's MLflow server": "stock wrapper",
    "MLServer": "MLServer",
    "`mlflow models serve`": "mlflow models serve",
    "by hand, with uvicorn": "limit, 2 workers",
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_figure_of_the_comparison_is_measured(name: str) -> None:
    row = re.search(rf"^\| \[?{re.escape(name)}(?:\]| \|).*\| ([\d,]+)[^|]*\|$", README, re.MULTILINE)
    measured = re.search(
        rf"^\| 2 rows, 16 connections +\| {re.escape(SERVERS[name])} +\| ([\d,]+) ", BENCHMARK, re.MULTILINE
    )
    assert row is not None
    assert measured is not None
    assert row[1] == measured[1], "`make bench` has measured anew: write its figure into README.md"


def test_what_was_not_measured_has_no_figure() -> None:
    assert set(re.findall(r"^\| \[(\w+)\].*\| not measured \|$", README, re.MULTILINE)) == {
        "KServe",
        "BentoML",
    }
