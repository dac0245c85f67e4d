from __future__ import annotations

from dataclasses import replace

from benchmarks.serving import plan
from benchmarks.serving.aims import AIMS, judge
from benchmarks.serving.rounds import Round
from benchmarks.serving.scenario import LARGE, OVERLOAD, SCRAPED, SINGLE, SMALL
from tests.benchmarks.serving.conftest import a_load


def met(rounds: list[Round], text: str) -> bool:
    [verdict] = [each for each in judge(rounds) if each.aim.text == text]
    return verdict.met


def test_servers_that_are_alike_meet_what_needs_no_gain(rounds: list[Round]) -> None:
    assert [each.aim for each in judge(rounds)] == AIMS
    assert {each.ratio for each in judge(rounds)} == {1.0}
    assert [each.aim.goal for each in judge(rounds) if not each.met] == [
        3.5,
        0.95,
        15,
        15,
        4,
        4,
        2,
        1.5,
        0.4,
        3,
    ]


def test_a_quick_run_is_judged_by_what_it_measured() -> None:
    measured = Round()
    for entry in plan.entries({plan.STOCK: plan.STOCK_USUAL}):
        measured.memory[entry.peer.name] = 64
        for scenario in entry.scenarios:
            measured.loads[entry.peer.name, scenario.name] = a_load(100)
    missing = [aim.text for aim in AIMS if aim not in [verdict.aim for verdict in judge([measured])]]
    assert missing == [
        "gRPC, 2 rows, 16 streams: calls/s of the Open Inference Protocol against MLServer",
        "gRPC, 1,000 rows, 16 streams: the same",
    ]


def test_a_ratio_is_taken_within_a_round_and_the_median_counts(rounds: list[Round]) -> None:
    for each, factor in zip(rounds, (1, 4, 5), strict=True):
        load = each.loads[plan.SERVER, SMALL.name]
        each.loads[plan.SERVER, SMALL.name] = replace(load, seconds=load.seconds / factor)
    verdict = judge(rounds)[0]
    assert verdict.ratios == [1, 4, 5]
    assert verdict.ratio == 4
    assert verdict.met


def test_goals_are_met_when_they_are_just_reached(rounds: list[Round]) -> None:
    for each in rounds:
        load = each.loads[plan.SERVER, SMALL.name]
        each.loads[plan.SERVER, SMALL.name] = replace(load, seconds=load.seconds / 3.5)
    text = "2 rows, 16 connections: requests/s against the limit, 2 workers"
    assert met(rounds, text)


def test_a_longer_latency_misses(rounds: list[Round]) -> None:
    text = "2 rows, 1 connection: median latency against the limit, 1 worker"
    assert met(rounds, text)
    for each in rounds:
        load = each.loads[plan.SERVER, SINGLE.name]
        each.loads[plan.SERVER, SINGLE.name] = replace(load, micros=load.micros * 2)
    assert not met(rounds, text)


def test_a_long_tail_misses(rounds: list[Round]) -> None:
    text = "1,000 rows, 16 connections: p99 against the median latency"
    assert met(rounds, text)
    for each in rounds:
        each.loads[plan.SERVER, LARGE.name].micros[:5] = 4000
    assert not met(rounds, text)


def test_metrics_that_cost_more_than_they_may_miss(rounds: list[Round]) -> None:
    text = "2 rows, 16 connections: requests/s with metrics against without"
    assert met(rounds, text)
    for each in rounds:
        load = each.loads[plan.SERVER_UNCOUNTED, SMALL.name]
        each.loads[plan.SERVER_UNCOUNTED, SMALL.name] = replace(load, seconds=load.seconds / 1.1)
    assert not met(rounds, text)


def test_a_scrape_that_holds_others_up_misses(rounds: list[Round]) -> None:
    text = "2 rows, 16 connections, scraped 10 times a second: p99 against not scraped"
    assert met(rounds, text)
    for each in rounds:
        each.loads[plan.SERVER, SCRAPED.name].micros[:5] = 4000
    assert not met(rounds, text)


def test_refusals_and_late_answers_are_no_goodput(rounds: list[Round]) -> None:
    text = "goodput (200 within 1 s) at twice the sustainable load against the peak"
    assert met(rounds, text)
    for each in rounds:
        load = each.loads[plan.SERVER, OVERLOAD.name]
        each.loads[plan.SERVER, OVERLOAD.name] = replace(load, micros=load.micros * 2000)
    assert not met(rounds, text)


def test_all_goals_are_there() -> None:
    goals = [3.5, 1.25, 1.2, 1, 1, 0.95, 15, 15, 0.8, 4, 4, 2, 1.5, 1, 1.2, 1.2, 0.4, 3, 0.95, 0.95]
    goals += [0.97, 1.05, 1.05, 1.05, 0.9, 3, 0.9]
    assert [each.goal for each in AIMS] == goals
