from __future__ import annotations

import numpy as np
import pytest

from benchmarks.serving import plan
from benchmarks.serving.load import Load
from benchmarks.serving.rounds import Round
from benchmarks.serving.scenario import OVERLOAD

TUNINGS: dict[str, plan.Tuning] = {
    name: {"WORKERS": "2", "THREADS": "1"} for name in (plan.STOCK, plan.MLSERVER, plan.MLFLOW)
}


def a_load(number: int, micros: int = 1000) -> Load:
    return Load(1, np.full(number, 200), np.full(number, micros), 0.25, server=0.05, memory=70)


@pytest.fixture
def rounds() -> list[Round]:
    """Three rounds in which every server answers 100, 200, 300 requests/s in 1 ms and has 64 MiB."""
    found = []
    for number in (100, 300, 200):
        each = Round()
        for entry in plan.entries(TUNINGS):
            each.memory[entry.peer.name] = 64
            for scenario in entry.scenarios:
                each.loads[entry.peer.name, scenario.name] = a_load(number)
        each.loads[plan.SERVER, OVERLOAD.name] = Load(
            1, np.array([200] * number + [503] * number), np.full(2 * number, 1000), 0.25
        )
        found.append(each)
    return found
