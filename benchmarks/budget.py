"""How long something may take, and what is said of it."""

from __future__ import annotations

from server.operating_system import cpus

CORES = 2


def judge(name: str, seconds: float, budget: float, said: str = "") -> bool:
    """Print what ``name`` took beside its budget, both in seconds, and return whether it is within.

    The budgets are for two cores: on a machine with fewer nothing is over.
    """
    if seconds <= budget:
        verdict = f"within {budget:g} s"
    elif cpus() < CORES:
        verdict = f"not judged: {budget:g} s are for {CORES} cores, and here is {cpus()}"
    else:
        verdict = f"OVER its limit of {budget:g} s"
    print(f"{name:33} {seconds:6.1f} s, {verdict}{said}")
    return seconds <= budget or cpus() < CORES
