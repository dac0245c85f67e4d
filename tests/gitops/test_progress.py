from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from gitops.errors import StartFailed
from gitops.progress import Progress


def test_a_step_is_a_line_with_its_outcome_and_time() -> None:
    out = io.StringIO()
    progress = Progress(Console(file=out, width=40))
    with progress.step("model: [fetch]"):
        pass
    with pytest.raises(StartFailed), progress.step("model: serve"):
        raise StartFailed
    with pytest.raises(KeyboardInterrupt), progress.step("model: interrupted"):
        raise KeyboardInterrupt
    progress.say("a line that is far longer than the width of the console, [as] it is: /a/b 1 2 3")
    assert re.sub(r"\d+\.\d", "N", out.getvalue()) == (
        "    ok    N s  model: [fetch]\n"
        "failed    N s  model: serve\n"
        "a line that is far longer than the width of the console, [as] it is: /a/b 1 2 3\n"
    )


def test_a_brief_one_tells_of_long_steps_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    progress = Progress(Console(file=out), brief=True)
    with progress.step("short"):
        pass
    assert out.getvalue() == ""
    monkeypatch.setattr("gitops.progress.LONG_SECONDS", 0.0)
    with progress.step("long"):
        while not out.getvalue():
            pass
    assert re.sub(r"\d+\.\d", "N", out.getvalue()) == "   ...           long\n    ok    N s  long\n"


def test_a_long_step_is_mentioned_before_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitops.progress.LONG_SECONDS", 0.0)
    out = io.StringIO()
    progress = Progress(Console(file=out))
    with progress.step("build"):
        while not out.getvalue():
            pass
        assert out.getvalue() == "   ...           build\n"


def test_a_terminal_shows_what_is_under_way() -> None:
    out = io.StringIO()
    progress = Progress(Console(file=out, force_terminal=True, width=60))
    for name in ("model", "preprocessor"):
        with progress.step(f"{name}: serve"):
            progress.say("said meanwhile")
    hidden, shown_again = "\x1b[?25l", "\x1b[?25h"
    assert out.getvalue().count(hidden) == out.getvalue().count(shown_again) == 2
    shown = re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    assert re.search(
        r"said meanwhile\n. model: serve 0:00:00.*    ok    0\.\d s  model: serve\n", shown, re.DOTALL
    )
