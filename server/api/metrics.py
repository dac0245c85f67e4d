"""The metrics of all processes of the server.

Where a node goes without the orchestrator they have what it would have counted: dashboards and rollouts ask for these series.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import add

from prometheus_client.core import InfoMetricFamily

from server import __version__
from server.api.exposition import Buckets, Cells, Family, Labels, Row, as_it_is, counters, gauge, gauges
from server.api.node import Node
from server.operating_system import ProcessStats, process_stats
from server.settings import ServeSettings
from server.shared_state import SharedState
from server.telemetry import start_record
from server.telemetry.labels import PREFIX
from server.telemetry.observers import sends_traces
from server.telemetry.shared_cells import CALLS, ORCHESTRATOR, ROWS, Exemplar

_ORCHESTRATOR = "seldon_api_executor_server_requests_seconds"
_ORCHESTRATOR_LABELS = ("deployment_name", "predictor_name", "predictor_version", "service", "method", "code")
# The orchestrator's own paths, by what it calls them and the method that they answer to.
_SERVICES = {
    "/api/v1.0/predictions": ("predictions", "post"),
    "/api/v0.1/predictions": ("predictions", "post"),
    "/api/v1.0/feedback": ("feedback", "post"),
    "/api/v0.1/feedback": ("feedback", "post"),
    "/api/v1.0/metadata": ("metadata", "get"),
}
_GRPC = "/seldon.protos.Seldon/"
# How Go writes the codes of gRPC: google.golang.org/grpc/codes.
_CODES = {"OK": "OK", "CANCELLED": "Canceled"}
# What is told of each process: the name, its meaning, and the field of ProcessStats.
_PROCESS = (
    ("start_time_seconds", "Start of a process since the epoch.", "start_seconds"),
    ("resident_memory_bytes", "Resident memory of a process.", "resident_bytes"),
    ("open_fds", "Open file descriptors of a process.", "open_fds"),
    ("max_fds", "How many file descriptors a process may have open.", "max_fds"),
)


def _orchestrator_rows(settings: ServeSettings, counted: Iterable[Row]) -> Iterator[Row]:
    """Yield what was counted by interface, method and code under the orchestrator's labels."""
    found: dict[tuple[str, str, str], Cells] = {}
    for row in counted:
        named = _named(*row.labels)
        if named is not None:
            before = found.get(named)
            found[named] = list(map(add, before, row.cells)) if before else row.cells
    for named, cells in found.items():
        yield Row((settings.deployment, settings.predictor, settings.predictor_version, *named), cells, {})


def _named(interface: str, method: str, code: str) -> tuple[str, str, str] | None:
    """Return the orchestrator's service, method and code for a call that it has, else None."""
    if interface == "grpc":
        said = _CODES.get(code) or "".join(part.capitalize() for part in code.split("_"))
        return (method, "unary", said) if method.startswith(_GRPC) else None
    if method not in _SERVICES:
        return None
    return (*_SERVICES[method], code)


class Metrics:
    """The metrics of a node's server.

    Args:
        node: the node.
        state: what its processes share.
    """

    def __init__(self, node: Node, state: SharedState) -> None:
        self._node = node
        self._state = state
        self._counted = counted = state.metrics
        self._fetched = start_record.read(node.model.folder / start_record.FETCH)
        environment = counted.environment
        self._built = start_record.read(environment / start_record.ENVIRONMENT) if environment else {}
        # Known from the start where ``fetch`` has told it: to find it out, all of the model is read.
        self.digest = start_record.text(self._fetched, "digest")
        self._series = list(counted.requests)
        self._traces = sends_traces(node.settings)
        self._durations = Buckets(counted.model.bounds, counted.buckets)
        self._calls, self._rows = Buckets(CALLS, CALLS), Buckets(ROWS, ROWS)

    def families(self) -> Iterator[Family]:
        """Yield the families, one after the other."""
        yield from self._state_gauges()
        if not self._counted.on:
            return
        totals = self._counted.cells.totals(0, self._counted.first_request)
        yield from self._interfaces(totals)
        yield from self._requests()
        yield from self._model(totals)
        yield from self._processes()
        yield from self._start(totals)
        yield from self._logs(totals)
        dropped, custom = self._counted.custom.collect()
        meaning = "Updates of the model's own metrics that were passed over."
        yield counters(f"{PREFIX}_custom_metrics_dropped", meaning, (), {(): float(dropped)})
        yield from map(as_it_is, custom)

    def _state_gauges(self) -> Iterator[Family]:
        settings, state, budget = self._node.settings, self._state, self._state.budget
        for name, meaning, value in (
            ("ready", "Whether the model can be called.", int(self._node.client.ready)),
            (
                "event_loop_silence_seconds",
                "Since when the event loop held longest is held.",
                state.heartbeats.silence,
            ),
            ("connections", "Connections of the REST interface.", state.connections.total),
            ("connections_limit", "How many connections there may be.", settings.max_connections),
            ("calls_waiting", "Calls that the model has not answered.", state.waiting.total),
            ("calls_waiting_limit", "How many calls may wait.", settings.queue_calls),
            ("budget_bytes", "Memory that requests under way may take.", budget.taken),
            ("budget_limit_bytes", "How much of it they may take together.", budget.limit),
        ):
            yield gauge(f"{PREFIX}_{name}", meaning, value)

    def _interfaces(self, totals: Cells) -> Iterator[Family]:
        """Yield what is counted by interface."""
        counted = self._counted

        def values(cells: Mapping[str, int]) -> dict[Labels, float]:
            return {(name,): totals[cell] for name, cell in cells.items()}

        if self._node.settings.grpc:
            meaning = "Connections of the gRPC interface, in the last seconds."
            yield gauge(f"{PREFIX}_grpc_connections", meaning, totals[counted.grpc_connections])
        labels = ["interface"]
        yield gauges(
            f"{PREFIX}_requests_in_progress", "Calls under way.", labels, values(counted.in_progress)
        )
        meaning = "Bytes of requests' bodies."
        yield counters(f"{PREFIX}_request_bytes", meaning, labels, values(counted.request_bytes))
        meaning = "Bytes of answers' bodies."
        yield counters(f"{PREFIX}_response_bytes", meaning, labels, values(counted.response_bytes))
        refused: dict[Labels, float] = {
            (name, reason): totals[cell]
            for name, reasons in counted.refused.items()
            for reason, cell in reasons.items()
            if totals[cell]
        }
        meaning = "Calls that were refused."
        yield counters(f"{PREFIX}_refused_requests", meaning, ["interface", "reason"], refused)

    def _requests(self) -> Iterator[Family]:
        """Yield calls and durations by interface, method and code."""
        counted = self._counted
        first, size = counted.first_request, len(counted.model.bounds) + 2
        rows: list[Row] = []
        # No call takes no time: what has been called has a sum above 0, the last cell of each.
        for number in counted.cells.used(first + size - 1, size):
            start = first + number * size
            cells = counted.cells.totals(start, start + size)
            rows.append(Row(self._series[number], cells, self._exemplars(start - first, cells)))
        labels = ["interface", "method", "code"]
        counts = {row.labels: sum(row.cells[:-1]) for row in rows}
        yield counters(f"{PREFIX}_requests", "Calls that were answered.", labels, counts)
        meaning = "How long calls took, from when they had been read."
        yield self._durations.histogram(f"{PREFIX}_request_duration_seconds", meaning, labels, rows)
        settings = self._node.settings
        if settings.no_engine:
            buckets = Buckets(self._counted.model.bounds, ORCHESTRATOR)
            meaning = "How long requests took, as the orchestrator would have counted them."
            yield buckets.histogram(
                _ORCHESTRATOR,
                meaning,
                _ORCHESTRATOR_LABELS,
                _orchestrator_rows(settings, rows),
            )

    def _exemplars(self, start: int, cells: Cells) -> dict[int, Exemplar]:
        """Return the last trace of each bucket that has one, of a series whose buckets begin at ``start``."""
        exemplars = self._counted.exemplars
        if not exemplars.any:
            return {}
        found = {bucket: exemplars.last(start + bucket) for bucket, count in enumerate(cells[:-1]) if count}
        return {bucket: last for bucket, last in found.items() if last is not None}

    def _model(self, totals: Cells) -> Iterator[Family]:
        """Yield the queue, the batches and the model's processes."""
        counted = self._counted
        for name, meaning, histogram, buckets in (
            (
                "queue_duration_seconds",
                "How long calls waited for the model.",
                counted.queue,
                self._durations,
            ),
            (
                "model_duration_seconds",
                "How long the model took for a batch.",
                counted.model,
                self._durations,
            ),
            ("batch_calls", "Calls that the model answered together.", counted.batch_calls, self._calls),
            ("batch_rows", "Rows that the model was called with.", counted.batch_rows, self._rows),
        ):
            row = Row((), totals[histogram.start : histogram.end], {})
            yield buckets.histogram(f"{PREFIX}_{name}", meaning, (), [row])
        sent, meaning = totals[counted.sent_calls], "Calls that were sent to the model's process."
        yield gauge(f"{PREFIX}_model_calls_in_progress", meaning, sent)
        restarts: dict[Labels, float] = {(reason,): totals[cell] for reason, cell in counted.restarts.items()}
        meaning = "Starts of a process of the model after another's end."
        yield counters(f"{PREFIX}_model_restarts", meaning, ["reason"], restarts)

    def _logs(self, totals: Cells) -> Iterator[Family]:
        """Yield what became of events and lines that are logged."""
        counted = self._counted
        if self._node.settings.payload_log_url:
            events: dict[Labels, float] = {
                (name,): totals[cell] for name, cell in counted.payload_events.items()
            }
            meaning = "Events of the log of payloads: sent, dropped for want of a place, or not taken."
            yield counters(f"{PREFIX}_payload_events", meaning, ["result"], events)
        if self._traces:
            spans: dict[Labels, float] = {(name,): totals[cell] for name, cell in counted.spans.items()}
            meaning = "Spans of traces: sent, dropped for want of a place, or not taken."
            yield counters(f"{PREFIX}_spans", meaning, ["result"], spans)
        lines, meaning = totals[counted.dropped_lines], "Lines of the log that nobody read in time."
        yield counters(f"{PREFIX}_dropped_log_lines", meaning, (), {(): lines})

    def _processes(self) -> Iterator[Family]:
        """Yield CPU, memory and descriptors of each process."""
        counted = self._counted
        found: dict[Labels, ProcessStats | None] = {}
        for number, name in enumerate(counted.processes):
            row = counted.cells.row(number)
            found[name,] = process_stats(int(row[counted.pid]), row[counted.open_fds])
        first = counted.cells.row(0)
        pids = [int(first[cell]) for cell in counted.model_pids if first[cell]]
        found |= {(f"model-{number}",): process_stats(pid) for number, pid in enumerate(pids)}
        stats = {labels: each for labels, each in found.items() if each is not None}
        seconds = {labels: each.cpu_seconds for labels, each in stats.items()}
        meaning = "User and system CPU time of a process."
        yield counters(f"{PREFIX}_process_cpu_seconds", meaning, ["process"], seconds)
        for name, meaning, field in _PROCESS:
            values = {labels: getattr(each, field) for labels, each in stats.items()}
            known = {labels: value for labels, value in values.items() if value >= 0}
            yield gauges(f"{PREFIX}_process_{name}", meaning, ["process"], known)

    def _start(self, totals: Cells) -> Iterator[Family]:
        """Yield what is served, and how long this pod's start took."""
        fetched, built = self._fetched, self._built
        for name, meaning, value in (
            (
                "fetch_duration_seconds",
                "How long it took to fetch the model.",
                start_record.number(fetched, "seconds"),
            ),
            ("fetch_bytes", "Bytes of the model that were fetched.", start_record.number(fetched, "bytes")),
            (
                "environment_duration_seconds",
                "How long it took to make the model's environment.",
                start_record.number(built, "seconds"),
            ),
            (
                "model_load_duration_seconds",
                "How long the model took to load.",
                totals[self._counted.loaded_seconds] or None,
            ),
        ):
            if value is not None:
                yield gauge(f"{PREFIX}_{name}", meaning, value)
        if self.digest:
            yield as_it_is(InfoMetricFamily("model", "The model that is served.", value=self._info()))

    def _info(self) -> dict[str, str]:
        model, settings = self._node.model, self._node.settings
        natives = sorted(set(model.flavors) - {"python_function"})
        return {
            "digest": self.digest,
            "flavor": natives[0] if natives else "python_function",
            "run_id": model.run_id or "",
            "model_uuid": model.model_uuid or "",
            "model_version": start_record.text(self._fetched, "model_version"),
            "mlflow_version": model.mlflow_version or "",
            "server_version": __version__,
            "image": settings.image,
            "node": settings.node,
        }
