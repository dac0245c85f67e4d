"""Parts of a run of tests that take about equally long, for machines beside each other: ``pytest --shard 1/3``.

Tests of one xdist_group stay together, since they share what is slow to make, and else those of one file. The
parts follow from the selected tests alone, so every machine that selects the same tests finds the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pytest

# What the long tests of a group or a file take where it is not OTHER: seconds on two cores, as a rough guess.
# `pytest -m long --durations=0` shows it.
SECONDS: Mapping[str, float] = {
    "tests/workflows/test_quick_suite.py": 500,
    "prometheus": 200,
    "shapes": 200,
    "texts-3.9": 90,
    "texts-3.13": 90,
    "hints-3.12": 90,
    "hints-3.13": 80,
    "boosters-3.11": 60,
    "named-3.9": 60,
    "named-3.13": 60,
    "columns-3.10": 60,
    "columns-3.13": 60,
    "categories-3.11": 40,
    "categories-3.13": 60,
    "modules-3.8": 50,
    "answers-3.12": 40,
    "classic-3.8": 40,
    "tensors-3.12": 30,
    "boosters": 150,
    "tests/gitops/test_tools.py": 120,
    "tests/test_make.py": 120,
    "conformance": 90,
    "killed": 90,
    "tests/gitops/promote/test_registry.py": 90,
    "tests/server/artifact/test_registry.py": 90,
    "ports": 60,
    "tests/server/api/test_openapi.py": 60,
    "tests/server/environment/test_examples.py": 60,
    "tests/tools/test_bootstrap.py": 60,
    "tests/gitops/promote/test_promotion.py": 40,
    "tests/server/transport/test_listener.py": 40,
}
OTHER = 10.0
_SHARD = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")


def parsed(text: str) -> tuple[int, int]:
    """Return the number of a part and how many parts there are.

    Raises:
        pytest.UsageError: it is not written as in 1/3, or there are fewer parts.
    """
    match = _SHARD.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        raise pytest.UsageError(
            f"shard {text!r}: must be the number of a part and how many there are; give it as in 1/3, up to 3/3"
        )
    return int(match[1]), int(match[2])


def unit(item: pytest.Item) -> str:
    """Return what a test stays together with: its xdist_group, or its file as in tests/test_make.py."""
    marker = item.get_closest_marker("xdist_group")
    if marker is not None:
        return str(marker.args[0] if marker.args else marker.kwargs["name"])
    return item.nodeid.partition("::")[0]


def assigned(units: Iterable[str], count: int) -> dict[str, int]:
    """Return the part, from 1 to ``count``, of each unit: the longest first, each to the part that is shortest so far."""
    found: dict[str, int] = {}
    lengths = dict.fromkeys(range(1, count + 1), 0.0)
    for name in sorted(set(units), key=lambda name: (-SECONDS.get(name, OTHER), name)):
        found[name] = min(lengths, key=lambda number: (lengths[number], number))
        lengths[found[name]] += SECONDS.get(name, OTHER)
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shard", metavar="I/N", help="run part I of N of the selected tests")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--shard") is not None:
        parsed(config.getoption("--shard"))  # Before the tests are collected.


# After -m and -k have selected.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # The longest first, so that none of them is left over for one process at the end.
    items.sort(key=lambda item: -SECONDS.get(unit(item), 0))
    if config.getoption("--shard") is None:
        return
    number, count = parsed(config.getoption("--shard"))
    parts = assigned(map(unit, items), count)
    config.hook.pytest_deselected(items=[item for item in items if parts[unit(item)] != number])
    items[:] = [item for item in items if parts[unit(item)] == number]
