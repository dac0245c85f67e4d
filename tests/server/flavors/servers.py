"""Servers of models in their own environments, beside each other."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.server.flavors import making
from tests.server.running_server import Served, serving

# Each has a process of the server and one of the model; more of them than this would need more memory than a runner has.
RUNNING = 12


class Servers:
    """Servers that run beside each other, one for each model and its parameters; past RUNNING the oldest ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._running: dict[tuple[str, ...], tuple[Served, ExitStack]] = {}

    def __call__(self, model: Path, parameters: dict[str, str]) -> Served:
        key = (str(model), *map(str, parameters.items()))
        if key not in self._running:
            if len(self._running) == RUNNING:
                self._end(next(iter(self._running)))
            folder = self._folder / str(self._count)
            folder.mkdir()
            self._count += 1
            environment = making.environment(model, folder / "environment")
            stack = ExitStack()
            served = stack.enter_context(serving(folder, model, environment=environment, **parameters))
            self._running[key] = served, stack
        return self._running[key][0]

    def alive(self) -> list[bool]:
        """Return for each server whether it still serves."""
        return [one.client.get("/health/status").status_code == 200 for one, _ in self._running.values()]

    def end(self) -> None:
        """End them all."""
        for key in list(self._running):
            self._end(key)

    def _end(self, key: tuple[str, ...]) -> None:
        self._running.pop(key)[1].close()
