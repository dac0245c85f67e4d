from __future__ import annotations

import os

import pytest

from benchmarks.budget import judge


def cores(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(number)), raising=False)


def test_what_is_within_its_budget_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge("200 overlays", 60, 60)
    assert capsys.readouterr().out == "200 overlays                        60.0 s, within 60 s\n"


def test_what_is_over_its_budget_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cores(monkeypatch, 2)
    assert not judge("200 overlays", 60.1, 60, "; of computing 100 s")
    out = capsys.readouterr().out
    assert out == "200 overlays                        60.1 s, OVER its limit of 60 s; of computing 100 s\n"


def test_nothing_is_over_on_one_core(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cores(monkeypatch, 1)
    assert judge("200 overlays", 99, 60)
    out = capsys.readouterr().out
    assert (
        out == "200 overlays                        99.0 s, not judged: 60 s are for 2 cores, and here is 1\n"
    )
