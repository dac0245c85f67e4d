"""What can be known of the table of docs/flavors.md without logging a model: test_flavors.py holds its rows."""

from __future__ import annotations

from tests.server.flavors import comparison, page
from tests.server.flavors.page import LOGGINGS, label


def test_the_page_has_each_mlflow_that_logs_and_no_other():
    logged = {(each.script, label(each)) for each in LOGGINGS}
    said = {(script, by) for script, rows in page.sections().items() for _, all_of in rows for by in all_of}
    assert said == logged, page.OUTDATED
    assert len(logged) == len(LOGGINGS)


def test_every_difference_that_has_a_name_is_on_the_page():
    cells = " ".join(row.mlflow for rows in page.sections().values() for row, _ in rows)
    names = {
        comparison.MISTAKEN,
        *comparison.REFUSALS.values(),
        *comparison.ACCEPTED.values(),
        *comparison.DIFFERENCES,
    }
    assert [name for name in names if name not in cells] == []
