from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.context import Context, confirm, context, current
from tests.e2e.errors import E2eError
from tests.e2e.report import Report
from tests.e2e.settings import Settings
from tests.programs import program

Ask = Callable[[str], str] | None
CONTEXT = Context("kind-kind", "https://127.0.0.1:6443")
SHOWN = "context kind-kind (https://127.0.0.1:6443)\n"


def ctrl_d(_: str) -> str:
    raise EOFError


def test_the_current_context_is_read_as_kubectl_shows_it() -> None:
    shown = {
        "current-context": "kind-kind",
        "clusters": [{"name": "kind-kind", "cluster": {"server": "https://127.0.0.1:6443"}}],
    }
    assert context(shown) == CONTEXT


def test_without_a_context_there_is_nothing_to_run_on() -> None:
    with pytest.raises(
        E2eError, match=r"^there is no cluster: set KUBECONFIG to a file whose current-context"
    ):
        context({"clusters": None, "current-context": ""})


@pytest.mark.parametrize(
    ("settings", "ask"),
    [
        (Settings(context="kind-kind"), None),
        (Settings(ci=True), None),
        (Settings(), lambda _: "kind-kind\n"),
    ],
    ids=["CONFIRM", "CI", "a person"],
)
def test_a_context_is_shown_and_confirmed(settings: Settings, ask: Ask) -> None:
    out = io.StringIO()
    confirm(CONTEXT, settings, Report(out), ask)
    assert SHOWN in out.getvalue()


@pytest.mark.parametrize(
    ("settings", "ask", "said"),
    [
        (
            Settings(context="prod", ci=True),
            None,
            "CONFIRM=prod: the current context is kind-kind; `kubectl config use-context` changes it",
        ),
        (
            Settings(),
            None,
            "no terminal to confirm the context at: set CONFIRM=kind-kind if it is the one",
        ),
        (Settings(), lambda _: "y", "the context kind-kind was not confirmed; nothing was done"),
        (Settings(), ctrl_d, "the context kind-kind was not confirmed; nothing was done"),
    ],
    ids=["another", "no terminal", "not confirmed", "Ctrl-D"],
)
def test_a_context_that_nobody_confirms_is_left_alone(settings: Settings, ask: Ask, said: str) -> None:
    out = io.StringIO()
    with pytest.raises(E2eError) as refused:
        confirm(CONTEXT, settings, Report(out), ask)
    assert str(refused.value) == said
    assert SHOWN in out.getvalue()


def test_a_name_with_a_blank_is_quoted_for_the_shell() -> None:
    with pytest.raises(E2eError, match=r"set CONFIRM='my cluster' if it is the one$"):
        confirm(Context("my cluster", "https://127.0.0.1:6443"), Settings(), Report(io.StringIO()), None)


def test_what_kubectl_says_of_a_file_that_it_cannot_use_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "kubectl", 'echo "error: cannot locate context prod" >&2; exit 1')
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(E2eError) as refused:
        current()
    assert str(refused.value) == (
        "there is no cluster: set KUBECONFIG to a file whose current-context names one (kubectl config view --minify "
        "--output json: error: cannot locate context prod)"
    )


def test_a_machine_without_kubectl_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(E2eError, match=r"\(there is no kubectl on PATH: install it\)$"):
        current()
