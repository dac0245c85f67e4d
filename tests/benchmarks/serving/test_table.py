from __future__ import annotations

from dataclasses import replace

from benchmarks.serving import plan, table
from benchmarks.serving.aims import judge
from benchmarks.serving.rounds import Round
from benchmarks.serving.scenario import SMALL


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_aims_say_goal_ratio_and_verdict(rounds: list[Round]) -> None:
    head, _, first, second, *_ = table.aims(judge(rounds)).splitlines()
    assert cells(head) == ["aim", "goal", "measured", "least – most", "verdict"]
    assert cells(first)[1:] == ["≥ 3.5", "1.00", "1.00 – 1.00", "**not met**"]
    assert cells(second)[1:] == ["≤ 1.25", "1.00", "1.00 – 1.00", "met"]


def test_figures_are_medians_of_the_rounds(rounds: list[Round]) -> None:
    lines = table.figures(rounds).splitlines()
    assert cells(lines[2]) == [
        "2 rows, 16 connections",
        "this server",
        "200",
        "250",
        "1.00",
        "1.00",
        "70",
        "25%",
    ]
    assert len(lines) == 2 + len(rounds[0].loads)


def test_memory_is_of_every_server(rounds: list[Round]) -> None:
    lines = table.memory(rounds).splitlines()
    assert len(lines) == 2 + len(rounds[0].memory)
    assert ["this server, TRANSFORMER", "64"] in map(cells, lines)


def test_overload_says_what_was_refused(rounds: list[Round]) -> None:
    assert table.overload(rounds) == (
        "Past what it can take, of 400 requests/s sent 200 were answered with 200 within 1 s, and 50% were refused."
    )


def test_columns_are_of_one_width() -> None:
    assert table.markdown(("a", "b"), [("one", "2")]) == "| a   | b |\n| --- | - |\n| one | 2 |"


def test_says_how_quiet_the_machine_was(rounds: list[Round]) -> None:
    count = sum(len(each.loads) for each in rounds)
    assert table.noise(rounds).startswith(f"{count} of {count} measurements had a quiet machine")
    load = rounds[0].loads[plan.SERVER, SMALL.name]
    rounds[0].loads[plan.SERVER, SMALL.name] = replace(load, noise=0.31)
    said = table.noise(rounds)
    assert said.startswith(f"{count - 1} of {count} measurements")
    assert said.endswith("tried 3 times each, up to 31%.")
