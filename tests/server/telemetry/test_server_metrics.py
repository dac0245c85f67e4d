"""What the processes of the server count, beside what Prometheus is told of it (tests/server/api/test_metrics.py)."""

from __future__ import annotations

import time

from server.settings import ServeSettings
from server.telemetry.call_record import Telemetry
from server.telemetry.server_metrics import ServerMetrics


def pids(metrics):
    return [int(metrics.cells.mine[cell]) for cell in metrics.model_pids]


def test_a_process_that_goes_on_keeps_its_number():
    metrics = ServerMetrics(ServeSettings(model_processes=2))
    metrics.running([10, 11, 12, 13])
    metrics.running([10, 12, 13])
    assert pids(metrics) == [10, 0, 12, 13]
    metrics.running([10, 12, 13, 9])
    assert pids(metrics) == [10, 9, 12, 13]


def test_the_wait_of_a_call_that_was_never_sent_is_counted():
    metrics = ServerMetrics(ServeSettings())
    record = Telemetry().begin("rest", "/predict", "10.0.0.1", {})
    metrics.began(record)
    record.queued = time.perf_counter() - 3
    record.ended = record.queued + 3
    metrics.ended(record)
    assert metrics.cells.mine[metrics.queue.total] == 3
