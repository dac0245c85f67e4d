"""Requests over REST, picked by hand, to the stock wrapper, to this server and to its component class."""

from __future__ import annotations

import pytest

from tests.conformance.differences import ROWS, compare
from tests.conformance.rest_cases import CASES, MORE

pytestmark = pytest.mark.xdist_group("conformance")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_answers_are_equal_or_differ_as_the_table_says(served, case):
    replies = served[case.model].rest(case)
    like = served[case.model].rest(case.like)[0] if case.like else None
    compare(ROWS[case.row] if case.row else None, *replies, like=like)


@pytest.mark.long
@pytest.mark.parametrize("case", MORE, ids=lambda case: case.id)
def test_other_types_of_nodes_answer_as_the_table_says(more_served, case):
    compare(ROWS[case.row] if case.row else None, *more_served[case.model].rest(case))
