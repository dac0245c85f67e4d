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


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def test_the_capacity_of_a_pod_is_measured() -> None:
    text = (ROOT / "docs/operate.md").read_text()
    capacity = rows(text[text.index("## Capacity") :])
    header = next(number for number, row in enumerate(capacity) if row[0] == "load")
    stated = [row for row in capacity[header + 1 :] if len(row) == 5]
    measured = {row[0]: row[2:6] for row in rows(BENCHMARK) if len(row) == 7 and row[1] == "this server"}
    assert len(stated) == 5
    for load, *figures in stated:
        assert figures == measured[load], (
            "`make bench` has measured anew: write its figures into docs/operate.md"
        )
    (memory,) = re.findall(r"Memory when ready was (\d+) MiB", text)
    assert re.search(rf"^\| this server +\| {memory} +\|$", BENCHMARK, re.MULTILINE)
