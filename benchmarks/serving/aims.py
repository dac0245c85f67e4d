"""What the server aims at, and whether it gets there."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from benchmarks.serving import plan
from benchmarks.serving.rounds import Round
from benchmarks.serving.scenario import (
    DEADLINE_SECONDS,
    GRPC,
    GRPC_LARGE,
    GRPC_SMALL,
    LARGE,
    OVERLOAD,
    SCRAPED,
    SINGLE,
    SMALL,
    Scenario,
)


@dataclass(frozen=True)
class Aim:
    """A ratio of one round, and the most or the least that it may be."""

    text: str
    goal: float
    at_most: bool
    ratio: Callable[[Round], float]


@dataclass(frozen=True)
class Verdict:
    """The ratios of all rounds beside the aim."""

    aim: Aim
    ratios: list[float]

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool:
        """Whether the median reaches the goal."""
        return self.ratio <= self.aim.goal if self.aim.at_most else self.ratio >= self.aim.goal


def judge(rounds: list[Round]) -> list[Verdict]:
    """Return the verdict on every aim whose servers were measured: a quick run has not all of them."""
    verdicts = []
    for aim in AIMS:
        with suppress(KeyError):
            verdicts.append(Verdict(aim, [aim.ratio(each) for each in rounds]))
    return verdicts


def _rate(
    server: str, other: str, scenario: Scenario, against: Scenario | None = None
) -> Callable[[Round], float]:
    """Return the ratio of requests/s, where ``against`` is what the other server is put through instead."""
    beside = against or scenario
    return lambda it: it.loads[server, scenario.name].rate / it.loads[other, beside.name].rate


def _latency(server: str, other: str, scenario: Scenario) -> Callable[[Round], float]:
    return lambda it: (
        it.loads[server, scenario.name].percentile(50) / it.loads[other, scenario.name].percentile(50)
    )


def _cpu(server: str, other: str, scenario: Scenario) -> Callable[[Round], float]:
    return lambda it: it.loads[server, scenario.name].cpu / it.loads[other, scenario.name].cpu


def _memory(server: str, other: str) -> Callable[[Round], float]:
    return lambda it: it.memory[server] / it.memory[other]


def _scraped(number: float) -> Callable[[Round], float]:
    return lambda it: (
        it.loads[plan.SERVER, SCRAPED.name].percentile(number)
        / it.loads[plan.SERVER, SMALL.name].percentile(number)
    )


def _tail(it: Round) -> float:
    load = it.loads[plan.SERVER, LARGE.name]
    return load.percentile(99) / load.percentile(50)


def _goodput(it: Round) -> float:
    return it.loads[plan.SERVER, OVERLOAD.name].goodput(DEADLINE_SECONDS) / it.peak(plan.SERVER)


def _least(text: str, goal: float, ratio: Callable[[Round], float]) -> Aim:
    return Aim(text, goal, False, ratio)


def _most(text: str, goal: float, ratio: Callable[[Round], float]) -> Aim:
    return Aim(text, goal, True, ratio)


AIMS = [
    _least(
        f"{SMALL.name}: requests/s against the {plan.LIMIT_2}",
        3.5,
        _rate(plan.SERVER, plan.LIMIT_2, SMALL),
    ),
    _most(
        f"{SINGLE.name}: median latency against the {plan.LIMIT_1}",
        1.25,
        _latency(plan.SERVER, plan.LIMIT_1, SINGLE),
    ),
    _most(
        f"{SINGLE.name}: CPU time a request against the {plan.LIMIT_1}",
        1.2,
        _cpu(plan.SERVER, plan.LIMIT_1, SINGLE),
    ),
    _least(
        f"{LARGE.name}: requests/s against the {plan.LIMIT_2}",
        1.0,
        _rate(plan.SERVER, plan.LIMIT_2, LARGE),
    ),
    _least(
        f"{LARGE.name}: requests/s with two processes of the model against the {plan.LIMIT_2}",
        1.0,
        _rate(plan.SERVER_TWO_MODELS, plan.LIMIT_2, LARGE),
    ),
    _most(
        f"{LARGE.name}: CPU time a request against the {plan.LIMIT_2}",
        0.95,
        _cpu(plan.SERVER, plan.LIMIT_2, LARGE),
    ),
    _least(
        f"{SMALL.name}: requests/s against the stock wrapper at its best tuning, both with a DataFrame",
        15,
        _rate(plan.SERVER_DATAFRAME, plan.STOCK_DATAFRAME, SMALL),
    ),
    _least("the same, both with an ndarray", 15, _rate(plan.SERVER, plan.STOCK, SMALL)),
    _least(
        f"{SMALL.name}: requests/s with a DataFrame against an ndarray",
        0.8,
        _rate(plan.SERVER_DATAFRAME, plan.SERVER, SMALL),
    ),
    _least(
        f"{GRPC_SMALL.name}: calls/s against the stock wrapper, tuned for REST",
        4,
        _rate(plan.SERVER, plan.STOCK, GRPC_SMALL),
    ),
    _least(
        f"{GRPC.name}: calls/s against the same, all on one connection",
        4,
        _rate(plan.SERVER, plan.STOCK, GRPC),
    ),
    _least(
        f"{GRPC.name}: calls/s of the Open Inference Protocol against {plan.MLSERVER}",
        2,
        _rate(plan.SERVER_V2, plan.MLSERVER, GRPC),
    ),
    _least(
        f"{GRPC_LARGE.name}: the same",
        1.5,
        _rate(plan.SERVER_V2, plan.MLSERVER, GRPC_LARGE),
    ),
    _least(
        f"{GRPC_LARGE.name}: calls/s with a tensor against REST's JSON on 16 connections",
        1,
        _rate(plan.SERVER, plan.SERVER, GRPC_LARGE, LARGE),
    ),
    _most(f"memory when ready against the {plan.LIMIT_1}", 1.2, _memory(plan.SERVER, plan.LIMIT_1)),
    _most("the same, without gRPC, which the limit has not", 1.2, _memory(plan.SERVER_REST, plan.LIMIT_1)),
    _most(
        f"memory when ready against the {plan.STOCK_DEFAULT}", 0.4, _memory(plan.SERVER, plan.STOCK_DEFAULT)
    ),
    _most(f"{LARGE.name}: p99 against the median latency", 3, _tail),
    _least(
        f"{SMALL.name}: requests/s as TRANSFORMER against MODEL",
        0.95,
        _rate(plan.SERVER_TRANSFORMER, plan.SERVER, SMALL),
    ),
    _least(
        f"{SMALL.name}: requests/s as OUTPUT_TRANSFORMER against MODEL",
        0.95,
        _rate(plan.SERVER_OUTPUT, plan.SERVER, SMALL),
    ),
    _least(
        f"{SMALL.name}: requests/s with metrics against without",
        0.97,
        _rate(plan.SERVER, plan.SERVER_UNCOUNTED, SMALL),
    ),
    *(
        _most(f"{SCRAPED.name}: p{number} against not scraped", 1.05, _scraped(number))
        for number in (50, 90, 99)
    ),
    _least(
        f"{SMALL.name}: requests/s by v2 against Seldon's protocol, both in JSON",
        0.9,
        _rate(plan.SERVER_V2, plan.SERVER, SMALL),
    ),
    _least(
        f"{LARGE.name}: requests/s by v2 with raw bytes against Seldon's protocol in JSON",
        3,
        _rate(plan.SERVER_V2_RAW, plan.SERVER, LARGE),
    ),
    _least(
        f"goodput (200 within {DEADLINE_SECONDS:g} s) at twice the sustainable load against the peak",
        0.9,
        _goodput,
    ),
]
