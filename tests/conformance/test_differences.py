"""The table of docs/conformance.md: each row is shown by a request."""

from __future__ import annotations

from tests.conformance.differences import ROWS
from tests.conformance.grpc_cases import CALLS
from tests.conformance.rest_cases import CASES, MORE
from tests.conformance.rules import RULES


def test_every_row_is_shown_by_a_request():
    shown = {case.row for case in [*CASES, *MORE]} | {call.row for call in CALLS}
    assert shown - {None} == set(ROWS)


def test_every_rule_has_its_row():
    assert set(RULES) <= set(ROWS)
