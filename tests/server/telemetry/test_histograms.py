"""Where numbers lie, and the buckets that people choose."""

from __future__ import annotations

import pytest

from server.errors import BadSetting
from server.telemetry.shared_cells import Layout, parsed


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
