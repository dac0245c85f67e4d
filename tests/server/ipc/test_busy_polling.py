"""How long the processes look for what comes next before they sleep."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from server.ipc import busy_polling
from server.model.connection_pool import BusyPoller
from server.model.handshake import busy_poll_seconds
from server.settings import ServeSettings
from tests.server.model.clock import Clock


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(busy_polling, "time", clock)
    return clock


def wait(spinning, clock, seconds):
    """Return for how long it looked in a wait of so many seconds."""
    spinning.begin()
    began, looked = clock.now, 0.0
    while clock.now < began + seconds:
        if spinning.goes_on():
            looked = clock.now + 1 - began
        clock.now += 1
    spinning.end()
    return looked


def test_it_looks_while_waits_are_short(clock):
    found = busy_polling.AdaptivePolling(10)
    looks = [wait(found, clock, 5) for _ in range(20)]
    assert looks[0] == 0  # Nothing is known yet.
    assert looks[-1] == 5


def test_it_looks_no_longer_than_it_may(clock):
    found = busy_polling.AdaptivePolling(10)
    for _ in range(20):
        wait(found, clock, 2)
    assert wait(found, clock, 25) == 10


def test_it_sleeps_when_waits_have_become_long_and_looks_again_when_they_are_short(clock):
    found = busy_polling.AdaptivePolling(10)
    for seconds, looks in ((2, True), (1000, False), (2, True)):
        for _ in range(30):
            looked = wait(found, clock, seconds)
        assert bool(looked) is looks


def test_a_wait_that_goes_on_is_one(clock):
    found = busy_polling.AdaptivePolling(10)
    for _ in range(20):
        wait(found, clock, 2)
    found.begin()
    clock.now += 11
    found.begin()  # Another batch was sent.
    assert not found.goes_on()


def test_it_never_looks_where_it_must_not(clock):
    found = busy_polling.AdaptivePolling(0)
    assert [wait(found, clock, 1) for _ in range(20)] == [0] * 20


@pytest.mark.parametrize(
    ("processes", "server_processes", "cpus", "seconds"),
    [(1, 1, 2, 0.001), (1, 1, 1, 0), (2, 1, 2, 0), (2, 2, 4, 0.001), (1, 1, 8, 0.001)],
)
def test_each_process_needs_a_cpu(processes, server_processes, cpus, seconds):
    settings = dataclasses.replace(ServeSettings(), model_processes=processes, spin_microseconds=1000)
    assert busy_poll_seconds(settings, server_processes, cpus) == seconds


def test_it_is_off_unless_it_is_asked_for():
    assert busy_poll_seconds(ServeSettings(), 1, 8) == 0


@pytest.mark.parametrize("awaited", [True, False])
def test_the_event_loop_does_not_sleep_while_an_answer_is_about_to_come(clock, monkeypatch, awaited):
    slept = []

    async def run():
        loop = asyncio.get_running_loop()
        spinning = BusyPoller(10, lambda: awaited)
        for _ in range(20):
            spinning.begin()
            clock.now += 1
            spinning.end()
        await asyncio.sleep(0)
        spinning.begin()
        select = loop._selector.select
        monkeypatch.setattr(
            loop._selector, "select", lambda timeout: (slept.append(timeout > 0), select(timeout))[1]
        )
        await asyncio.sleep(0.02)
        before = any(slept)
        spinning.end()
        slept.clear()
        await asyncio.sleep(0.02)
        return before, any(slept)

    assert asyncio.run(run()) == (not awaited, True)
