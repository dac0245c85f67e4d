"""docs/benchmark.md, as a whole."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from benchmarks.serving import table
from benchmarks.serving.aims import Verdict
from benchmarks.serving.machine import commit, machine, packages
from benchmarks.serving.plan import Tuning
from benchmarks.serving.rounds import Pace, Round

_DOCUMENT = """\
# Benchmark

<!-- Written by `make bench`, with benchmark.svg: no number is edited by hand. -->

After this page you know how fast this server is beside others, and how that was measured.

How fast this server is beside `limit`, the stock wrapper (seldon-core-microservice 1.17.1), MLServer and `mlflow models
serve`. All serve the SVC of examples/iris by its decision_function; each one's answers are compared with the model's own
before it is measured. `limit` is uvicorn with the model in the process that parses HTTP, by orjson, and nothing else:
it checks nothing, and is what a plain Python server cannot beat.

{verdicts} aims are met. Only ratios of one run mean something: figures of other machines differ.

{aims}

![Requests per second of each server](benchmark.svg)

{figures}

{overload}

{memory}

## How it was measured

`make bench` wrote this on {date} at commit {commit}. Each of {rounds} rounds starts every server by itself, in turn
forwards and backwards, no other being up: it waits until the server is ready, reads its memory, checks its answers, and
asks it {warm_up:g} s unmeasured and {seconds:g} s measured for each scenario. The table has the medians of the rounds; a ratio
is taken within a round. Of the peers the tuning that answers the most requests of 2 rows is taken:

{tunings}

This server runs with its defaults. Memory is the proportional set size of all processes, in which the pages of files
that other programs map as well count whole. Twice what the server can take is offered at a fixed rate on 512 connections,
each of which still waits for its own answer. The generator runs on the same cores as the servers; its part is in the table.
{noise}

{machine}

{packages}

How throughput and CPU time grow with rows, columns, connections and processes: [Capacity](capacity.md).
`make bench-quick` compares this server, `limit` and the stock wrapper in less than two minutes, and only prints.
"""


def document(rounds: list[Round], verdicts: list[Verdict], tunings: Mapping[str, Tuning], pace: Pace) -> str:
    """Return the page."""
    return _DOCUMENT.format(
        verdicts=f"{sum(each.met for each in verdicts)} of {len(verdicts)}",
        aims=table.aims(verdicts),
        figures=table.figures(rounds),
        overload=table.overload(rounds),
        memory=table.memory(rounds),
        noise=table.noise(rounds),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        commit=commit(),
        rounds=pace.rounds,
        warm_up=pace.warm_up,
        seconds=pace.seconds,
        tunings=table.markdown(("peer", "tuning"), [(name, said(each)) for name, each in tunings.items()]),
        machine=table.markdown(("machine", ""), machine()),
        packages=table.markdown(("server", "versions"), packages()),
    )


def said(tuning: Tuning) -> str:
    """Return a tuning as it is written on a command line."""
    return f"`{' '.join(f'{name}={value}' for name, value in tuning.items())}`"
