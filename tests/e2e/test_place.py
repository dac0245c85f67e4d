from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.kubectl import ClusterError
from tests.e2e.errors import E2eError
from tests.e2e.place import own_namespace
from tests.e2e.report import Report
from tests.programs import program

NAME = "seldon-e2e-1"
Cluster = Callable[[str], None]


@pytest.fixture
def refusing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A kubectl that says no to some of its commands, as it does to who may not."""

    def refuse(commands: str) -> None:
        program(tmp_path / "kubectl", f'case $1 in {commands}) echo "may not $1" >&2; exit 1;; esac')
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return refuse


def test_who_may_not_make_a_namespace_reads_why(refusing: Cluster) -> None:
    refusing("apply|delete")
    log = io.StringIO()
    with (
        pytest.raises(ClusterError, match=r"may not apply$"),
        own_namespace(NAME, "restricted", False, Report(io.StringIO()), log),
    ):
        pass
    assert f"the namespace {NAME} is not removed (kubectl delete namespace {NAME} " in log.getvalue()


def test_a_namespace_that_stays_after_all_was_right_is_named(refusing: Cluster) -> None:
    refusing("delete")
    with (
        pytest.raises(E2eError) as refused,
        own_namespace(NAME, "restricted", False, Report(io.StringIO()), io.StringIO()),
    ):
        pass
    assert str(refused.value) == (
        f"the namespace {NAME} is not removed (kubectl delete namespace {NAME} --ignore-not-found --wait=true: may not "
        f"delete); to remove it: kubectl delete namespace {NAME}"
    )
