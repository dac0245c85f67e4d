"""The values of a variable that switches something on or off."""

from __future__ import annotations

import argparse

import pytest

from gitops.errors import BadArgument
from gitops.switch import add_switch, is_on, main


@pytest.mark.parametrize(
    ("value", "on"),
    [
        *((value, True) for value in ("1", "yes", "true", "True", "YES")),
        *((value, False) for value in ("", "0", "no", "false", "False")),
    ],
)
def test_what_is_on(value: str, on: bool) -> None:
    assert is_on("DRY_RUN", value) is on


def test_a_switch_that_is_on_by_default() -> None:
    parser = argparse.ArgumentParser()
    add_switch(parser, "EXAMPLES", "upload them", default=True)
    values = {value: parser.parse_args(["--examples", value]).examples for value in ("", "no", "yes")}
    assert values == {"": True, "no": False, "yes": True}
    assert parser.parse_args([]).examples is True


@pytest.mark.parametrize("value", ["2", "on", "none", "y"])
def test_another_value_is_refused(value: str) -> None:
    with pytest.raises(BadArgument) as refused:
        is_on("DRY_RUN", value)
    assert str(refused.value) == (
        f"DRY_RUN {value!r}: must be 1, yes, true to switch it on, or 0, no, false to switch it off"
    )


def test_the_makefile_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PRIVATE", "true")
    assert main(["PRIVATE"]) == 0
    assert capsys.readouterr().out == "on\n"
    monkeypatch.delenv("PRIVATE")
    assert main(["PRIVATE"]) == 0
    assert capsys.readouterr().out == "off\n"
    monkeypatch.setenv("PRIVATE", "maybe")
    assert main(["PRIVATE"]) == 2
    assert capsys.readouterr().err.startswith("error: PRIVATE 'maybe': must be 1, yes, true ")
