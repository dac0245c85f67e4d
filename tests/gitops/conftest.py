from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.gitops.check.copies import ROOT, Copy


@pytest.fixture
def tree(tmp_path: Path) -> Copy:
    """The repository's base and overlays as they are before the first release, whatever is pinned by now."""
    for name in ("base", "overlays"):
        shutil.copytree(ROOT / name, tmp_path / name)
    copy = Copy(tmp_path)
    copy.unrelease()
    return copy
