"""Numbers that outlive the process that wrote them, where they lie, and the last trace of a bucket."""

from __future__ import annotations

import os
import signal

import pytest

from server.errors import BadSetting
from server.telemetry.shared_cells import Layout, SharedCells, SharedExemplars, SharedTexts, parsed

TRACE = "0af7651916cd43dd8448eb211c80319c"


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


def test_cells_lie_one_behind_the_other():
    layout = Layout()
    assert layout.cells(("a", "b")) == {"a": 0, "b": 1}
    histogram = layout.histogram([1, 2])
    # Three buckets, with +Inf, and the sum.
    assert (histogram.start, histogram.total, histogram.end) == (2, 5, 6)
    assert layout.cell() == 6


def test_buckets_are_read():
    assert parsed("0.5 1,  2.5") == (0.5, 1, 2.5)


@pytest.mark.parametrize(
    "text", ["", "a", "1 1", "2 1", "0 1", "-1", "nan", "1 inf", " ".join(map(str, range(1, 102)))]
)
def test_what_are_no_buckets_is_refused(text):
    with pytest.raises(BadSetting, match=r"SERVER_METRICS_BUCKETS=.*: must be numbers of seconds that rise"):
        parsed(text)


def test_the_last_one_of_all_processes_counts():
    exemplars = SharedExemplars(2, 3)
    assert exemplars.last(1) is None
    assert not exemplars.any
    exemplars.note(1, TRACE, 0.25)
    assert exemplars.any
    exemplars.become(1)
    exemplars.note(1, "f" * 32, 0.5)
    last = exemplars.last(1)
    assert (last.trace_id, last.value) == ("f" * 32, 0.5)
    assert exemplars.last(0) is exemplars.last(2) is None
