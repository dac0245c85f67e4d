"""The parts of the long tests, as ``make test-all SHARD=1/3`` runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import shards

ROOT = Path(__file__).parents[1]


def test_the_longest_come_first_and_the_shortest_part_gets_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SECONDS", {"a": 50.0, "b": 30.0, "c": 30.0})
    assert shards.assigned(["d", "c", "a", "b", "a"], 2) == {"a": 1, "b": 2, "c": 2, "d": 1}
    assert shards.assigned(["d", "c", "a", "b"], 1) == {"a": 1, "b": 1, "c": 1, "d": 1}


def test_what_takes_longest_runs_first(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SECONDS", {"b.py": 500, "group": 90})
    items = [
        item_of("a.py::test_a"),
        item_of("c.py::test_c", "group"),
        item_of("b.py::test_b"),
        item_of("d.py::test_d"),
    ]
    monkeypatch.setattr(request.config.option, "shard", None)
    shards.pytest_collection_modifyitems(request.config, items)
    assert [item.nodeid for item in items] == ["b.py::test_b", "c.py::test_c", "a.py::test_a", "d.py::test_d"]


def item_of(name: str, group: str = "") -> Any:
    """A test as far as its name and its group go."""
    marker = SimpleNamespace(args=(group,)) if group else None
    return SimpleNamespace(nodeid=name, get_closest_marker=lambda _: marker)


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/3/3", "one/three", "1 / 3"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(pytest.UsageError) as refused:
        shards.parsed(text)
    assert str(refused.value) == (
        f"shard {text!r}: must be the number of a part and how many there are; give it as in 1/3, up to 3/3"
    )


def pytest_ends(folder: Path, *options: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_parts_are_of_the_tests_that_are_selected(tmp_path: Path) -> None:
    names = ("first", "second", "third")
    for name in names:
        text = f"def test_{name}(): pass\ndef test_no(): 1 / 0\n"
        (tmp_path / f"test_{name}.py").write_text(text)
    (tmp_path / "pytest.ini").touch()
    for number, name in enumerate(names, 1):
        said = pytest_ends(tmp_path, "-p", "tests.shards", "-rA", "-k", "not no", "--shard", f"{number}/3")
        assert f"\nPASSED test_{name}.py::test_{name}\n" in said
        assert "1 passed, 5 deselected" in said


# Runs where the tests are collected, which takes as long as many a test, and so once for all parts.
COLLECTED = """
import json
def pytest_collection_finish(session):
    from tests import shards
    found = {"whole": [item.nodeid for item in session.items], "units": [*map(shards.unit, session.items)], "parts": []}
    for number in (1, 2, 3):
        items, session.config.option.shard = list(session.items), f"{number}/3"
        shards.pytest_collection_modifyitems(session.config, items)
        found["parts"].append([item.nodeid for item in items])
    with open(FILE, "w") as file:
        json.dump(found, file)
"""


@pytest.mark.long
def test_every_long_test_is_in_exactly_one_part(tmp_path: Path) -> None:
    (tmp_path / "collected.py").write_text(COLLECTED.replace("FILE", repr(str(tmp_path / "found.json"))))
    options = ("--collect-only", "-qq", "-p", "collected", "-o", f"pythonpath=. {tmp_path}")
    pytest_ends(ROOT, *options, "-m", "long and not image and not cluster")
    found = json.loads((tmp_path / "found.json").read_text())
    assert all(found["parts"])
    assert Counter(test for part in found["parts"] for test in part) == Counter(found["whole"])
    # What is said to take long is there.
    assert set(shards.SECONDS) <= set(found["units"])
