"""The state that the server's processes share: counters, byte budget, heartbeats, metrics."""

from __future__ import annotations

from collections.abc import Sequence

from server.byte_budget import ByteBudget, default_limit
from server.heartbeats import Heartbeats
from server.settings import ServeSettings
from server.shared_counter import SharedCounter
from server.telemetry.server_metrics import ServerMetrics


class SharedState:
    """Memory that the processes share since they were forked.

    ``waiting`` counts the calls that wait for the model, ``connections`` those of the REST interface; ``budget`` is what
    requests under way may take, ``heartbeats`` are those of the event loops, ``metrics`` what Prometheus asks for.

    Args:
        settings: how the node was configured.
        server_processes: how many processes take connections of the REST interface.
        others: the names of those beside them.
    """

    def __init__(
        self, settings: ServeSettings, server_processes: int = 1, others: Sequence[str] = ()
    ) -> None:
        names = [*(f"rest-{number}" for number in range(server_processes)), *others]
        self._server_processes = server_processes
        self.connections = SharedCounter(server_processes)
        self.waiting, taken = SharedCounter(len(names)), SharedCounter(len(names))
        self.budget = ByteBudget(settings.budget_bytes or default_limit(), taken)
        self.heartbeats = Heartbeats(len(names))
        self.metrics = ServerMetrics(settings, names)

    def become(self, process: int) -> None:
        """Count as process number ``process`` from now on, 0 being the first."""
        self.waiting.become(process)
        self.budget.become(process)
        self.heartbeats.become(process)
        self.metrics.become(process)
        if process < self._server_processes:
            self.connections.become(process)
