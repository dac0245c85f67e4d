"""The server's metrics in Prometheus's text format.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Iterator

from server.api.node import Node
from server.shared_state import SharedState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "seldon_mlflow_server"


def exposition(node: Node, state: SharedState) -> bytes:
    """Return the numbers of all processes of the server."""
    return "".join(_lines(node, state)).encode()


def _lines(node: Node, state: SharedState) -> Iterator[str]:
    settings, budget = node.settings, state.budget
    gauges: tuple[tuple[str, float, str], ...] = (
        ("ready", int(node.client.ready), "Whether the model can be called."),
        ("event_loop_silence_seconds", state.heartbeats.silence, "Since when the loop held longest is held."),
        ("connections", state.connections.total, "Connections of the REST interface."),
        ("connections_limit", settings.max_connections, "How many connections there may be."),
        ("calls_waiting", state.waiting.total, "Calls that the model has not answered."),
        ("calls_waiting_limit", settings.queue_calls, "How many calls may wait."),
        ("budget_bytes", budget.taken, "Memory that requests under way may take."),
        ("budget_limit_bytes", budget.limit, "How much of it they may take together."),
    )
    for name, value, meaning in gauges:
        yield f"{_head(name, meaning, 'gauge')}{PREFIX}_{name} {value:.10g}\n"
    yield _head(
        "responses_total", "Answers of the REST interface, by the first digit of their status.", "counter"
    )
    for kind, counter in state.responses.items():
        yield f'{PREFIX}_responses_total{{status="{kind}xx"}} {counter.total}\n'


def _head(name: str, meaning: str, kind: str) -> str:
    return f"# HELP {PREFIX}_{name} {meaning}\n# TYPE {PREFIX}_{name} {kind}\n"
