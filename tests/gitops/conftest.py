from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.gitops.check.copies import ROOT, Copy


@pytest.fixture
def tree(tmp_path: Path) -> Copy:
    for name in ("base", "overlays"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return Copy(tmp_path)
