"""What the processes of the server count, in memory that they share: calls, batches, refusals, restarts of the model.

It is written on the event loops, for every call: a few numbers each, no text is made and nothing is looked for. What is
scraped is made of it elsewhere (server.api.metrics).
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from server.operating_system import connections, open_descriptors
from server.settings import ServeSettings
from server.telemetry.call_record import CallRecord
from server.telemetry.custom_metrics import MOST_BYTES, CustomMetrics
from server.telemetry.labels import CODES, METHODS, OTHER, REASONS, EndReason
from server.telemetry.observers import Observing
from server.telemetry.shared_cells import (
    CALLS,
    ORCHESTRATOR,
    ROWS,
    Histogram,
    Layout,
    SharedCells,
    SharedExemplars,
    SharedTexts,
    parsed,
)

INTERFACES = tuple(METHODS)
# What becomes of an event of the log of payloads, and of a span.
EVENTS = ("sent", "dropped", "failed")
GRPC = "grpc"
# How often a process tells what no other may look at, such as its descriptors (prctl(2), PR_SET_DUMPABLE).
PUBLISH_SECONDS = 5.0


class ServerMetrics:
    """The numbers of all processes of the server. It observes calls, batches and the model's processes.

    Args:
        settings: how the node was configured.
        processes: the names of the server's processes.
    """

    def __init__(self, settings: ServeSettings, processes: Sequence[str] = ("rest-0",)) -> None:
        layout = Layout()
        self.on = settings.metrics
        self.processes = tuple(processes)
        self._grpc_port = settings.grpc_port
        # The folder that the verb ``environment`` made, where it is known.
        self.environment: Path | None = None
        self.buckets = parsed(settings.metrics_buckets)
        # Those of the orchestrator beside them, so that a call is counted once for both.
        bounds = tuple(sorted({*self.buckets, *(ORCHESTRATOR if settings.no_engine else ())}))
        self.pid, self.open_fds, self.loaded_seconds = layout.cell(), layout.cell(), layout.cell()
        # Of the first process: those that answer calls, and where there are several, the one that starts them and the one that
        # they are forked from.
        self.model_pids = [layout.cell() for _ in range(settings.model_processes + 2)]
        self.restarts = layout.cells(tuple(EndReason))
        self.in_progress = layout.cells(INTERFACES)
        self.request_bytes = layout.cells(INTERFACES)
        self.response_bytes = layout.cells(INTERFACES)
        self.refused = {name: layout.cells(tuple(REASONS.values())) for name in INTERFACES}
        self.sent_calls = layout.cell()
        self.payload_events = layout.cells(EVENTS)
        self.spans = layout.cells(EVENTS)
        self.grpc_connections = layout.cell()
        self.dropped_lines = layout.cell()
        self.queue = layout.histogram(bounds)
        self.model = layout.histogram(bounds)
        self.batch_calls, self.batch_rows = layout.histogram(CALLS), layout.histogram(ROWS)
        of_batches = (self.model, self.batch_calls, self.batch_rows)
        self._batch_starts = tuple(each.start for each in of_batches)
        self._batch_totals = tuple(each.total for each in of_batches)
        self._queue_start, self._queue_total = self.queue.start, self.queue.total
        # Last, one behind the other: most of them stay empty.
        self.requests: dict[tuple[str, str, str], Histogram] = {
            (interface, method, code): layout.histogram(bounds)
            for interface in (INTERFACES if self.on else ())
            for method in (*METHODS[interface], OTHER)
            for code in (*CODES[interface], OTHER)
        }
        self._bounds = bounds
        self._starts: dict[str, dict[str, dict[str, int]]] = {name: {} for name in INTERFACES}
        for (interface, method, code), histogram in self.requests.items():
            self._starts[interface].setdefault(method, {})[code] = histogram.start
        self.cells = SharedCells(len(processes), layout.size)
        self.first_request = min((each.start for each in self.requests.values()), default=layout.size)
        self.exemplars = SharedExemplars(len(processes), layout.size - self.first_request if self.on else 0)
        self.custom = CustomMetrics(settings, SharedTexts(len(processes), MOST_BYTES if self.on else 0))
        self.become(0)

    def become(self, process: int) -> None:
        """Count for another process from now on: its number, 0 being the first one's."""
        self.cells.become(process)
        self.exemplars.become(process)
        self.custom.become(process)
        self._mine = self.cells.mine
        self._mine[self.pid] = os.getpid()
        self._process = self.processes[process]

    # As an observer of calls (server.telemetry.call_record).

    def began(self, record: CallRecord) -> None:
        """Count a call that has begun."""
        self._mine[self.in_progress[record.interface]] += 1.0

    def ended(self, record: CallRecord) -> None:
        """Count a call that has ended."""
        mine, bounds, interface = self._mine, self._bounds, record.interface
        mine[self.in_progress[interface]] -= 1.0
        mine[self.request_bytes[interface]] += record.request_bytes
        mine[self.response_bytes[interface]] += record.response_bytes
        methods = self._starts[interface]
        codes = methods.get(record.method) or methods[OTHER]
        start = codes.get(record.code) or codes[OTHER]
        seconds = record.ended - record.began
        bucket = start + bisect_left(bounds, seconds)
        mine[bucket] += 1.0
        mine[start + len(bounds) + 1] += seconds
        if record.queued:
            waited = record.queue_seconds
            mine[self._queue_start + bisect_left(bounds, waited)] += 1.0
            mine[self._queue_total] += waited
        if record.error is not None and (reason := REASONS.get(type(record.error))):
            mine[self.refused[interface][reason]] += 1.0
        if record.trace_id and _is_kept(record):
            self.exemplars.note(bucket - self.first_request, record.trace_id, seconds)

    # As an observer of batches.

    def sent(self, calls: int) -> None:
        """Count calls that are sent to the model's process, or, being less than 0, are not there any more."""
        self._mine[self.sent_calls] += calls

    def answered(self, calls: int, rows: int, seconds: float) -> None:
        """Count a batch that the model was called with: so many calls and rows, for so long."""
        mine, start, total = self._mine, self._batch_starts, self._batch_totals
        mine[start[0] + bisect_left(self._bounds, seconds)] += 1.0
        mine[start[1] + bisect_left(CALLS, calls)] += 1.0
        mine[start[2] + bisect_left(ROWS, rows)] += 1.0
        mine[total[0]] += seconds
        mine[total[1]] += calls
        mine[total[2]] += rows

    def model_metrics(self, metrics: list[dict[str, Any]], role: str) -> None:
        """Count what the model itself counts."""
        self.custom.update(metrics, role)

    # As an observer of the model's processes (server.model.supervisor).

    def restarted(self, reason: str) -> None:
        """Count a process of the model that is started again, for one of EndReason."""
        self._mine[self.restarts[reason]] += 1.0

    def loaded(self, seconds: float) -> None:
        """Note how long the model took to load."""
        self._mine[self.loaded_seconds] = seconds

    def running(self, pids: Collection[int]) -> None:
        """Note the model's processes."""
        new = sorted(pids)
        for cell in self.model_pids:
            # One that goes on keeps its number: its series would seem to begin again.
            if (pid := int(self._mine[cell])) in new:
                new.remove(pid)
            else:
                self._mine[cell] = 0
        for cell in self.model_pids:
            if new and not self._mine[cell]:
                self._mine[cell] = new.pop(0)

    async def publish(self, observing: Observing) -> None:
        """Tell how many descriptors and connections this process has, and what became of its logs, until cancelled."""
        while True:
            for cells, counts in (
                (self.payload_events, observing.payload_events),
                (self.spans, observing.spans),
            ):
                for name, count in counts.items():
                    self._mine[cells[name]] = count
            if self._process == GRPC:
                # The library counts its connections only with all calls (channelz), by functions that are not public.
                self._mine[self.grpc_connections] = await asyncio.to_thread(connections, self._grpc_port)
            self._mine[self.dropped_lines] = observing.dropped_lines
            self._mine[self.open_fds] = open_descriptors()
            await asyncio.sleep(PUBLISH_SECONDS)


def _is_kept(record: CallRecord) -> bool:
    """Return whether the trace of a call is one that somebody records, the server or its client."""
    return record.span is not None or (record.parent is not None and record.parent.sampled)
