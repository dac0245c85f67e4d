from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from benchmarks.serving import noise, rounds
from benchmarks.serving.load import Traffic
from benchmarks.serving.noise import Watch, busy
from server.operating_system import cpus
from tests.benchmarks.serving.conftest import a_load

STAT = "cpu  100 20 30 5000 60 7 8 9 100 0\ncpu0 50 10 15 2500 30 3 4 5 50 0\n"
SPIN = "import time\nend = time.monotonic() + 0.6\nwhile time.monotonic() < end: pass"


def test_busy_is_all_but_idle_and_waiting_for_a_disk() -> None:
    assert busy(STAT) == (100 + 20 + 30 + 7 + 8 + 9) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not noise.STAT.exists(), reason="what all processes take is read from /proc/stat")
def test_what_another_process_takes_is_noise_and_what_one_takes_oneself_is_none() -> None:
    watch, before = Watch(), os.times()
    subprocess.run([sys.executable, "-c", SPIN], check=True)
    after = os.times()
    took = sum(after[:4]) - sum(before[:4])
    other, own = watch.noise(0), watch.noise(took)
    assert other > own
    assert other > 0.3 / cpus()


def test_a_noisy_measurement_is_tried_again_and_the_quietest_counts(monkeypatch) -> None:
    noises = iter([0.4, 0.2, 0.3])
    monkeypatch.setattr(rounds, "generate", lambda *_: a_load(10))
    monkeypatch.setattr(rounds, "Watch", lambda: SimpleNamespace(noise=lambda _: next(noises)))
    server = SimpleNamespace(cpu=1.0, memory=64.0, ports=SimpleNamespace(metrics=0))
    found = rounds.quietly(server, None, Traffic(1), rounds.QUICK, None)
    assert found.noise == 0.2
    assert next(noises, None) is None
