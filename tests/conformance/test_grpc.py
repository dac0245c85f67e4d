"""Calls over gRPC, picked by hand, to the stock wrapper, to this server and to its component class."""

from __future__ import annotations

import pytest

from tests.conformance.differences import ROWS, compare
from tests.conformance.grpc_cases import CALLS

pytestmark = pytest.mark.xdist_group("conformance")


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.id)
def test_the_answers_are_equal_or_differ_as_the_table_says(served, call):
    replies = served[call.model].grpc(call)
    like = served[call.model].grpc(call.like)[0] if call.like else None
    compare(ROWS[call.row] if call.row else None, *replies, like=like)
