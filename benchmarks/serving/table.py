"""The measurement as tables of Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable

from benchmarks.serving.aims import Verdict
from benchmarks.serving.load import Load
from benchmarks.serving.noise import QUIET
from benchmarks.serving.rounds import TRIES, Round
from benchmarks.serving.scenario import DEADLINE_SECONDS, OVERLOAD


def aims(verdicts: list[Verdict]) -> str:
    """Return goal, measured ratio with its least and its most, and whether it is met, of each aim."""
    rows = []
    for verdict in verdicts:
        sign = "≤" if verdict.aim.at_most else "≥"
        between = f"{min(verdict.ratios):.2f} – {max(verdict.ratios):.2f}"
        met = "met" if verdict.met else "**not met**"
        rows.append((verdict.aim.text, f"{sign} {verdict.aim.goal:g}", f"{verdict.ratio:.2f}", between, met))
    return markdown(("aim", "goal", "measured", "least – most", "verdict"), rows)


def figures(rounds: list[Round]) -> str:
    """Return requests/s, the server's CPU time for each, latencies and the generator's part of a core of each scenario and server."""
    found = []
    for server, scenario in sorted(rounds[0].loads, key=lambda pair: _place(rounds[0], pair)):
        loads = [each.loads[server, scenario] for each in rounds]
        found.append(
            (
                scenario,
                server,
                f"{median(loads, lambda it: it.rate):,.0f}",
                f"{median(loads, lambda it: it.cpu):,.0f}",
                f"{median(loads, lambda it: it.percentile(50)):.2f}",
                f"{median(loads, lambda it: it.percentile(99)):.2f}",
                f"{median(loads, lambda it: it.memory):.0f}",
                f"{median(loads, lambda it: it.share):.0%}",
            )
        )
    head = (
        "scenario",
        "server",
        "requests/s",
        "CPU µs each",
        "median ms",
        "p99 ms",
        "PSS in MiB, afterwards",
        "generator's part of a core",
    )
    return markdown(head, found)


def memory(rounds: list[Round]) -> str:
    """Return the MiB of each server when it is ready."""
    found = [
        (server, f"{statistics.median(each.memory[server] for each in rounds):.0f}")
        for server in sorted(rounds[0].memory)
    ]
    return markdown(("server, ready", "PSS in MiB"), found)


def overload(rounds: list[Round]) -> str:
    """Return in a sentence what came of the load past what the server can take."""
    loads = [
        load for each in rounds for (_, scenario), load in each.loads.items() if scenario == OVERLOAD.name
    ]
    offered = median(loads, lambda it: len(it.statuses) / it.seconds)
    good = median(loads, lambda it: it.goodput(DEADLINE_SECONDS))
    refused = median(loads, lambda it: it.refused)
    return (
        f"Past what it can take, of {offered:,.0f} requests/s sent {good:,.0f} were answered with 200 within "
        f"{DEADLINE_SECONDS:g} s, and {refused:.0%} were refused."
    )


def noise(rounds: list[Round]) -> str:
    """Return in a sentence how quiet the machine was."""
    loads = [load for each in rounds for load in each.loads.values()]
    loud = [load.noise for load in loads if load.noise > QUIET]
    said = f"{len(loads) - len(loud)} of {len(loads)} measurements had a quiet machine: others took up to {QUIET:.0%} of its cores"
    return f"{said}; in the rest, tried {TRIES} times each, up to {max(loud):.0%}." if loud else f"{said}."


def median(loads: list[Load], figure: Callable[[Load], float]) -> float:
    """Return the median of a figure over the rounds."""
    return statistics.median(map(figure, loads))


def markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table whose columns are of the same width in every line."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in (head, rule, *lines[1:])
    )


def _place(first: Round, pair: tuple[str, str]) -> tuple[int, float]:
    """Sort by scenario, in which this server comes first, and the fastest first."""
    scenarios = list(dict.fromkeys(scenario for _, scenario in first.loads))
    return scenarios.index(pair[1]), -first.loads[pair].rate
