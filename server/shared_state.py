"""The state that the server's processes share: counters, byte budget, heartbeats."""

from __future__ import annotations

from server.byte_budget import ByteBudget, default_limit
from server.heartbeats import Heartbeats
from server.settings import ServeSettings
from server.shared_counter import SharedCounter

CLASSES = (2, 3, 4, 5)


class SharedState:
    """Memory that the processes share since they were forked.

    ``waiting`` counts the calls that wait for the model, ``connections`` those of the REST interface, ``responses`` its
    answers by the first digit of their status; ``budget`` is what requests under way may take, ``heartbeats`` are those of
    the event loops.

    Args:
        settings: how the node was configured.
        server_processes: how many processes take connections of the REST interface.
        others: how many there are beside them.
    """

    def __init__(self, settings: ServeSettings, server_processes: int = 1, others: int = 0) -> None:
        processes = server_processes + others
        self._server_processes = server_processes
        self.connections = SharedCounter(server_processes)
        self.waiting, taken = SharedCounter(processes), SharedCounter(processes)
        self.responses = {kind: SharedCounter(processes) for kind in CLASSES}
        self.budget = ByteBudget(settings.budget_bytes or default_limit(), taken)
        self.heartbeats = Heartbeats(processes)

    def become(self, process: int) -> None:
        """Count as process number ``process`` from now on, 0 being the first."""
        for counter in (self.waiting, *self.responses.values()):
            counter.become(process)
        self.budget.become(process)
        self.heartbeats.become(process)
        if process < self._server_processes:
            self.connections.become(process)
