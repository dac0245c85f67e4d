"""Which cluster it is, and that it is the one that is meant."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.kubectl import ClusterError, kubectl
from tests.e2e.errors import E2eError
from tests.e2e.report import Report
from tests.e2e.settings import Settings

_NONE = "there is no cluster: set KUBECONFIG to a file whose current-context names one"


@dataclass(frozen=True)
class Context:
    """A context of KUBECONFIG, and its API server."""

    name: str
    server: str


def current() -> Context:
    """Return the current context of KUBECONFIG.

    Raises:
        E2eError: there is none, or no kubectl.
    """
    try:
        shown = kubectl("config", "view", "--minify", "--output", "json")
    except ClusterError as error:
        raise E2eError(f"{_NONE} ({error})") from error
    return context(json.loads(shown))


def context(shown: Mapping[str, Any]) -> Context:
    """Return the context in what `kubectl config view --minify` shows.

    Raises:
        E2eError: there is none.
    """
    servers = [entry["cluster"].get("server", "") for entry in shown.get("clusters") or ()]
    if not servers:
        raise E2eError(_NONE)
    return Context(str(shown.get("current-context", "")), servers[0])


def confirm(found: Context, settings: Settings, report: Report, ask: Callable[[str], str] | None) -> None:
    """Show the context, and have it confirmed: by CONFIRM, by a CI's own variable, or by a person at a terminal.

    ``ask`` is None where there is no terminal.

    Raises:
        E2eError: nobody confirms it.
    """
    report.say(f"context {found.name} ({found.server})")
    if settings.context:
        if settings.context != found.name:
            raise E2eError(
                f"CONFIRM={settings.context}: the current context is {found.name}; `kubectl config use-context` changes it"
            )
    elif settings.ci:
        report.say("not asked for a confirmation, since CI is set")
    elif ask is None:
        raise E2eError(
            f"no terminal to confirm the context at: set CONFIRM={shlex.quote(found.name)} if it is the one"
        )
    elif (
        _answer(ask, f"Run there, in a namespace of its own? Type the context's name ({found.name}): ")
        != found.name
    ):
        raise E2eError(f"the context {found.name} was not confirmed; nothing was done")


def _answer(ask: Callable[[str], str], question: str) -> str:
    """Return what a person answers, nothing at Ctrl-D."""
    try:
        return ask(question).strip()
    except EOFError:
        return ""
