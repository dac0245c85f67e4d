"""The kustomization files of a tree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from gitops.errors import BuildFailed
from gitops.kustomize import parse
from gitops.sources import FILES, read_text

# Fixtures there are broken on purpose.
_SKIPPED = "tests"


@dataclass(frozen=True)
class Kustomization:
    """A kustomization file: its ``folder`` and ``file`` relative to the tree, and what it says."""

    folder: str
    file: str
    raw: Mapping[str, Any]

    @property
    def is_component(self) -> bool:
        """Whether it is a Component, which builds only as a part of other kustomizations."""
        return self.raw.get("kind") == "Component"

    @property
    def components(self) -> tuple[str, ...]:
        """Folders, relative to the tree, of the components that it uses."""
        return tuple(
            PurePath(os.path.normpath(PurePath(self.folder, str(entry)))).as_posix()
            for entry in self.raw.get("components") or ()
        )


def kustomizations(root: Path) -> Iterator[Kustomization]:
    """Yield the kustomizations below ``root``, components too; its hidden folders and tests/ are left out.

    Deeper down a folder of such a name counts: Argo CD makes an Application of overlays/.hidden too.
    """
    for current, folders, files in os.walk(root):
        left_out = outside(current, folders) if Path(current) == root else ()
        folders[:] = sorted(name for name in folders if name not in left_out and name != ".git")
        file = next((name for name in FILES if name in files), None)
        if file is not None:
            folder = Path(current).relative_to(root)
            yield Kustomization(folder.as_posix(), (folder / file).as_posix(), _read(root / folder / file))


def outside(root: str, names: list[str]) -> list[str]:
    """Return which of the ``names`` right below the tree ``root`` are folders without manifests."""
    return [
        name for name in names if (name.startswith(".") or name == _SKIPPED) and Path(root, name).is_dir()
    ]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        return next(iter(parse(read_text(file), origin=str(file))), {})
    except BuildFailed:
        # The build says what is wrong with it.
        return {}
