from __future__ import annotations

import pytest

from tests.cluster.helper import Load
from tests.e2e.changes import judge
from tests.e2e.errors import E2eError


def test_all_answered() -> None:
    assert judge(Load(412), "a pod was deleted") == "0 of 412 requests failed while a pod was deleted"


def test_failed_requests_are_counted_and_some_are_shown() -> None:
    with pytest.raises(E2eError) as refused:
        judge(Load(400, ("503 b'a'", "503 b'b'", "503 b'c'", "503 b'd'")), "a pod was deleted")
    assert str(refused.value) == (
        "4 of 404 requests failed while a pod was deleted, such as: 503 b'a'; 503 b'b'; 503 b'c'"
    )


def test_no_request_shows_nothing() -> None:
    with pytest.raises(E2eError, match=r"^no request was sent while a pod was deleted: nothing is shown$"):
        judge(Load(), "a pod was deleted")
