"""What selects an object of a replacement: what kustomize 5.7 understands too, which kubectl up to 1.34 holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.project import MANIFESTS


def selectors() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(MANIFESTS.rglob("kustomization.yaml")):
        content = yaml.safe_load(file.read_text())
        for replacement in content.get("replacements") or ():
            for target in replacement.get("targets") or ():
                for selector in (target["select"], *target.get("reject", ())):
                    yield file.relative_to(MANIFESTS).as_posix(), selector


def test_no_kind_is_a_regular_expression() -> None:
    # Kustomize before 5.8 finds no such kind, and leaves the field as it is without a word.
    found = list(selectors())
    assert len(found) > 10
    assert [
        (file, selector)
        for file, selector in found
        if not re.fullmatch("[A-Za-z]*", selector.get("kind", ""))
    ] == []
