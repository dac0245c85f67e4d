"""What the server's processes know together: the numbers that they count, and how each of them is."""

from __future__ import annotations

from server.budget import Budget, default_limit
from server.heartbeats import Heartbeats
from server.settings import ServeSettings
from server.shared_counter import SharedCounter

CLASSES = (2, 3, 4, 5)


class SharedState:
    """Memory that the processes share since they were forked.

    ``waiting`` counts the calls that wait for the model, ``connections`` those of the REST interface, ``responses`` its
    answers by the first digit of their status; ``budget`` is what requests under way may take, ``heartbeats`` say that the
    event loops go on.

    Args:
        settings: how the node was configured.
        edges: how many processes take connections of the REST interface.
        others: how many there are beside them.
    """

    def __init__(self, settings: ServeSettings, edges: int = 1, others: int = 0) -> None:
        processes = edges + others
        self._edges = edges
        self.connections = SharedCounter(edges)
        self.waiting, taken = SharedCounter(processes), SharedCounter(processes)
        self.responses = {kind: SharedCounter(processes) for kind in CLASSES}
        self.budget = Budget(settings.budget_bytes or default_limit(), taken)
        self.heartbeats = Heartbeats(processes)

    def become(self, process: int) -> None:
        """Count for another process from now on: its number, 0 being the first one's."""
        for counter in (self.waiting, *self.responses.values()):
            counter.become(process)
        self.budget.become(process)
        self.heartbeats.become(process)
        if process < self._edges:
            self.connections.become(process)
