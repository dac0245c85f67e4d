from __future__ import annotations

import os

from server.shared_state import SharedCounter


def test_processes_count_together():
    counter = SharedCounter(2)
    counter.add(3)
    child = os.fork()
    if child == 0:
        counter.become(1)
        counter.add(2)
        counter.add(-1)
        os._exit(0 if counter.total == 4 and counter.least else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert counter.total == 4
    assert not counter.least
    counter.add(-2)
    assert counter.least
