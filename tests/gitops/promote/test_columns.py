"""Which columns of two neighbours in a graph fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitops.diff.side import Side
from gitops.promote.candidate import built
from gitops.promote.columns import misfits
from tests.gitops.promote.conftest import Work

BEFORE, AFTER = "preprocessor → model", "model → postprocessor"


def found(work: Work, node: str = "model") -> list[str]:
    side = Side("the work tree", work.root)
    return [
        line.removeprefix("overlays/pipeline: ")
        for line in misfits(side, built(side, "overlays/pipeline"), node)
    ]


def change(work: Work, overlay: str, part: str, value: Any) -> None:
    file = work.root / "overlays" / overlay / "contract.json"
    content = json.loads(file.read_text())
    if isinstance(value, dict) and content["signature"][part]:
        content["signature"][part][0].update(value)
    else:
        content["signature"][part] = value
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("node", ["preprocessor", "model", "postprocessor"])
def test_the_example_fits(work: Work, node: str) -> None:
    assert found(work, node) == []


@pytest.mark.parametrize(
    ("overlay", "part", "value", "said"),
    [
        ("model", "inputs", {"name": "sepal", "required": False}, [
            f"{BEFORE}: column 'sepal length (cm)' is answered, and not taken",
        ]),
        ("model", "inputs", {"name": "sepal"}, [
            f"{BEFORE}: column 'sepal' is taken, and not answered",
            f"{BEFORE}: column 'sepal length (cm)' is answered, and not taken",
        ]),
        ("model", "inputs", {"type": "string"}, [
            f"{BEFORE}: column 'sepal length (cm)' is answered as double, and taken as string",
        ]),
        # A fraction is refused where whole numbers are wanted, and a whole number is taken as any.
        ("model", "inputs", {"type": "long"}, [
            f"{BEFORE}: column 'sepal length (cm)' is answered as double, and taken as long",
        ]),
        ("model", "inputs", {"type": "float"}, []),
        ("model", "outputs", {"type": "long"}, []),
        ("model", "outputs", {"type": "boolean"}, [
            f"{AFTER}: column 'Class_0' is answered as boolean, and taken as double",
        ]),
        # By their places where they have no names.
        ("model", "outputs", [{"type": "double", "required": True}], [
            f"{AFTER}: 1 columns are answered, 3 are taken",
        ]),
        # Nobody knows, so the model itself will say.
        ("model", "outputs", None, []),
        ("model", "inputs", [{"type": "tensor", "dtype": "float64", "shape": [-1, 4]}], []),
    ],
)  # fmt: skip
def test_what_does_not_fit(work: Work, overlay: str, part: str, value: Any, said: list[str]) -> None:
    change(work, overlay, part, value)
    assert found(work) == said


def test_only_a_nodes_own_neighbours_count(work: Work) -> None:
    change(work, "preprocessor", "outputs", {"type": "string"})
    assert found(work, "model") == found(work, "preprocessor") != []
    assert found(work, "postprocessor") == []


def test_an_overlay_of_one_node_has_no_neighbours(work: Work) -> None:
    change(work, "model", "inputs", {"name": "sepal"})
    side = Side("the work tree", work.root)
    assert list(misfits(side, built(side, "overlays/model"), "model")) == []
