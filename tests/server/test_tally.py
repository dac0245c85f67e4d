from __future__ import annotations

import os

from server.tally import Tally


def test_processes_count_together():
    tally = Tally(2)
    tally.add(3)
    child = os.fork()
    if child == 0:
        tally.become(1)
        tally.add(2)
        tally.add(-1)
        os._exit(0 if tally.total == 4 and tally.least else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert tally.total == 4
    assert not tally.least
    tally.add(-2)
    assert tally.least
