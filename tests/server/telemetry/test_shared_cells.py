"""Numbers that outlive the process that wrote them."""

from __future__ import annotations

import os
import signal

from server.telemetry.shared_cells import SharedCells, SharedTexts


def in_a_process(work):
    """Run ``work`` in a process that is killed then."""
    pid = os.fork()
    if pid == 0:
        work()
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_what_a_dead_process_has_counted_stays():
    cells = SharedCells(3, 4)

    def count(process):
        cells.become(process)
        cells.mine[1] += process
        cells.mine[3] += 0.5

    in_a_process(lambda: count(1))
    in_a_process(lambda: count(2))
    cells.mine[0] = 7
    assert cells.totals(0, 4) == [7, 3, 0, 1]
    assert cells.totals(1, 3) == [3, 0]
    assert cells.used(1, 1) == [0, 2]
    assert cells.used(0, 2) == [0]
    assert list(cells.row(2)) == [0, 2, 0, 0.5]


def test_a_text_is_read_whole_or_as_it_was_before():
    texts = SharedTexts(2, 10)
    assert texts.read() == [b"", b""]
    assert texts.write(b"first")

    def write():
        texts.become(1)
        texts.write(b"second")

    in_a_process(write)
    assert texts.read() == [b"first", b"second"]
    assert not texts.write(b"more than ten")
    # Half of a text that is being written.
    texts._memory[8:10] = b"xx"
    assert texts.read() == [b"first", b"second"]
    assert texts.write(b"third")
    assert texts.read() == [b"third", b"second"]
