"""A copy of the repository's manifests, to be changed by a test."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.project import MANIFESTS, ROOT


@dataclass
class Copy:
    root: Path

    @classmethod
    def at(cls, root: Path) -> Copy:
        """Copy the manifests to ``root``, and lead to what a run needs beside them."""
        for name in ("base", "components", "overlays", "site"):
            shutil.copytree(MANIFESTS / name, root / name)
        (root / "examples").symlink_to(MANIFESTS / "examples")
        (root / "server").symlink_to(ROOT / "server")
        return cls(root)

    def write(self, file: str, text: str) -> None:
        (self.root / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / file).write_text(text)

    def overlay(self, name: str, of: str, **node: str) -> Path:
        """Add the overlay ``name``, a copy of ``of`` with other values in its node.yaml and its own deployment."""
        folder = self.root / "overlays" / name
        shutil.copytree(self.root / "overlays" / of, folder)
        content = yaml.safe_load((folder / "node.yaml").read_text())
        content["spec"] |= {"deployment": f"graph-iris-{name}", **node}
        (folder / "node.yaml").write_text(yaml.safe_dump(content))
        return folder

    def component(self, overlay: str, name: str) -> None:
        """Switch a component on in the overlay."""
        file = self.root / "overlays" / overlay / "kustomization.yaml"
        content = yaml.safe_load(file.read_text())
        content["components"].append(f"../../components/{name}")
        file.write_text(yaml.safe_dump(content))

    def patch(self, overlay: str, path: str, value: Any) -> None:
        """Add a value at ``path`` of what the overlay renders."""
        file = self.root / "overlays" / overlay / "kustomization.yaml"
        content = yaml.safe_load(file.read_text())
        operation = json.dumps([{"op": "add", "path": path, "value": value}])
        content.setdefault("patches", []).append({"target": {"kind": "SeldonDeployment"}, "patch": operation})
        file.write_text(yaml.safe_dump(content))
