"""A policy's fixture: a file of rendered objects or a small tree, whose name is the case.

An object of the kind GraphNode in a file stands for the overlay's node.yaml; the site.yaml of each is the tests'. What an invalid fixture breaks stands on
top of the file as a comment, or in expected.txt inside the tree, where {root} is the tree.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from gitops.manifests.documents import parse_objects
from gitops.manifests.graphnode import FILE, KIND, read_node
from gitops.manifests.rendered import from_objects
from gitops.manifests.site import read_site
from gitops.manifests.tree import Tree, load
from gitops.policies.evaluation import FOLDER_POLICIES, SHAPE_POLICIES, TREE_POLICIES, findings
from tests.project import MANIFESTS

FOLDER = Path(__file__).parent / "fixtures"
OVERLAY = "overlays/model"
EXPECTED = "expected.txt"
# Inside of a tree, the one that it changes.
BEFORE = ".before"


@dataclass(frozen=True)
class Fixture:
    path: Path

    @property
    def policy(self) -> str:
        return self.path.parent.parent.name

    @property
    def valid(self) -> bool:
        return self.path.parent.name == "valid"

    @property
    def id(self) -> str:
        return f"{self.policy}-{self.path.parent.name}-{self.path.stem}"

    def expected(self) -> list[str]:
        """Return what is said of it, line by line."""
        if self.path.is_dir():
            text = (self.path / EXPECTED).read_text().replace("{root}", str(self.path))
            return text.splitlines()
        return [line[2:] for line in self.path.read_text().splitlines() if line.startswith("# ")]

    def findings(self) -> list[str]:
        """Return what its policy, and no other, finds in it, line by line."""
        if self.path.is_dir():
            before = self.path / BEFORE
            return self._judge(load(self.path, before if before.is_dir() else None))
        with tempfile.TemporaryDirectory() as scratch:
            return self._judge(self._tree(Path(scratch)))

    def _tree(self, root: Path) -> Tree:
        objects = parse_objects(self.path.read_text(), origin=str(self.path))
        folder = root / OVERLAY
        folder.mkdir(parents=True)
        for entry in objects:
            if entry.get("kind") == KIND:
                (folder / FILE).write_text(yaml.safe_dump(entry))
        shown = [entry for entry in objects if entry.get("kind") != KIND]
        rendered = {OVERLAY: from_objects(OVERLAY, read_node(folder), shown)}
        return Tree(root, {}, rendered, {}, {}, site=read_site(MANIFESTS))

    def _judge(self, tree: Tree) -> list[str]:
        found = findings(
            tree,
            [entry for entry in SHAPE_POLICIES if entry.id == self.policy],
            [entry for entry in TREE_POLICIES if entry.id == self.policy],
            [entry for entry in FOLDER_POLICIES if entry.id == self.policy],
        )
        return [
            line
            for entry in found
            for line in f"{entry.violation.owner}: {entry.violation.value}\nfix: {entry.violation.fix}".splitlines()
        ]


def fixtures() -> Iterator[Fixture]:
    for kind in ("valid", "invalid"):
        for path in sorted(FOLDER.glob(f"*/{kind}/*")):
            yield Fixture(path)
