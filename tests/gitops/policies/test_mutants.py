"""Policies on objects that are broken at random: whatever stands where, it is said, and none of them falls over."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gitops.errors import BadManifest
from gitops.manifests.kustomize import build
from gitops.manifests.rendered import from_objects
from gitops.manifests.seldondeployment import is_seldon_deployment
from gitops.manifests.tree import Tree
from gitops.policies.evaluation import findings
from tests.project import MANIFESTS

NUMBER = 500
JUNK: tuple[Any, ...] = (None, "", "x", 0, -1, 1.5, True, [], {}, [None], ["x"], {"x": "y"}, [{"name": "x"}])


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every object or list inside ``value`` with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def mutant(entry: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    result = copy.deepcopy(entry)
    for _ in range(chance.randint(1, 2)):
        holder, key = chance.choice(list(places(result["spec"])) or [(result, "spec")])
        if chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(chance.choice(JUNK))
    return result


def test_every_broken_object_is_judged(tmp_path: Path) -> None:
    chance = random.Random(7)
    entries = [
        entry
        for folder in ("overlays/model", "overlays/pipeline")
        for entry in build(MANIFESTS / folder)
        if is_seldon_deployment(entry)
    ]
    tree = Tree(tmp_path, {}, {}, {}, {})
    for index in range(NUMBER):
        folder = f"overlays/mutant-{index}"
        try:
            tree.add(folder, from_objects(folder, None, [mutant(chance.choice(entries), chance)]))
        except BadManifest as error:
            tree.add(folder, error)
    found = list(findings(tree))
    assert {finding.folder for finding in found} >= tree.failures.keys()
    # Some change nothing that counts, such as a number of replicas.
    assert len({finding.folder for finding in found}) > NUMBER * 0.9
