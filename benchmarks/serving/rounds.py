"""The measurement: one server at a time is up and asked, all of them by turns, over and over."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.serving.load import Load, Target, Traffic, generate
from benchmarks.serving.noise import QUIET, Watch
from benchmarks.serving.peer import Running, running
from benchmarks.serving.plan import CONTESTS, Contest, Entry, Tuning
from benchmarks.serving.rows import rows
from benchmarks.serving.scenario import CROWD, OVERLOAD, OVERLOAD_FACTOR, SMALL, Scenario
from benchmarks.serving.scrapes import scraping


@dataclass
class Round:
    """What one round measured: the load of each server and scenario by their names, and the MiB of each when ready."""

    loads: dict[tuple[str, str], Load] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def peak(self, server: str) -> float:
        """Return the most requests/s of 2 rows that the server answered as fast as it could."""
        return max(self.loads[server, each.name].rate for each in (SMALL, CROWD))


@dataclass(frozen=True)
class Pace:
    """How many rounds, and for how many seconds each server is asked unmeasured and measured."""

    rounds: int
    warm_up: float
    seconds: float


FULL = Pace(rounds=3, warm_up=0.5, seconds=3)
QUICK = Pace(rounds=1, warm_up=0.5, seconds=2)
# How often a measurement is tried while others take the machine's cores.
TRIES = 3
GROWTH = Pace(rounds=3, warm_up=1, seconds=2)


def tune(pace: Pace, scratch: Path, contests: Iterable[Contest] = CONTESTS) -> dict[str, Tuning]:
    """Return of every contest the tuning that answers the most requests of 2 rows on 16 connections.

    Raises:
        BenchFailed: a server does not start, or answers wrongly.
    """
    best = dict[str, Tuning]()
    for contest in contests:
        rates = []
        for tuning in contest.tunings:
            peer = contest.peer(contest.name, tuning)
            with running(peer) as server:
                rates.append(_load(server, SMALL, pace, scratch, None).rate)
            _say(f"{contest.name} with {tuning}: {rates[-1]:.0f} requests/s")
        best[contest.name] = contest.tunings[rates.index(max(rates))]
    return best


def measure(entries: list[Entry], pace: Pace, scratch: Path) -> list[Round]:
    """Return what every round measured; every second one goes backwards, so that no server has always the same before it.

    Raises:
        BenchFailed: a server does not start, or answers wrongly.
    """
    measured = []
    for number in range(pace.rounds):
        measured.append(Round())
        for entry in entries if number % 2 == 0 else reversed(entries):
            _put_through(entry, measured[-1], pace, scratch)
        _say(f"round {number + 1} of {pace.rounds} done")
    return measured


def _put_through(entry: Entry, found: Round, pace: Pace, scratch: Path) -> None:
    name = entry.peer.name
    with running(entry.peer) as server:
        found.memory[name] = server.memory
        for scenario in entry.scenarios:
            peak = found.peak(name) if scenario is OVERLOAD else None
            load = _load(server, scenario, pace, scratch, peak)
            found.loads[name, scenario.name] = load
            _say(
                f"{name}: {scenario.name}: {load.rate:.0f} requests/s, median {load.percentile(50):.2f} ms, "
                f"p99 {load.percentile(99):.2f} ms, {load.cpu:.0f} µs of CPU a request"
            )


def _load(server: Running, scenario: Scenario, pace: Pace, scratch: Path, peak: float | None) -> Load:
    target = server.target(rows(scenario.rows), server.peer.grpc if scenario.grpc else None)
    traffic = scenario.traffic
    if peak is not None:
        traffic = replace(traffic, rate=OVERLOAD_FACTOR * peak)
    return quietly(server, target, traffic, pace, scratch, scenario.scrapes)


def quietly(
    server: Running, target: Target, traffic: Traffic, pace: Pace, scratch: Path, scrapes: int = 0
) -> Load:
    """Return what came of the load: the first of some tries in which the machine was quiet, else the quietest."""
    generate(target, traffic, pace.warm_up, scratch)
    tries = list[Load]()
    while len(tries) < TRIES and not (tries and tries[-1].noise <= QUIET):
        watch, before = Watch(), server.cpu
        with scraping(server.ports.metrics, scrapes):
            load = generate(target, traffic, pace.seconds, scratch)
        took = server.cpu - before
        noise = watch.noise(took + load.generator)
        tries.append(replace(load, server=took, memory=server.memory, noise=noise))
    return min(tries, key=lambda load: load.noise)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
