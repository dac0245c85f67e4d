from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.gitops.check.copies import Copy
from tests.project import MANIFESTS


@pytest.fixture
def tree(tmp_path: Path) -> Copy:
    """The project's base and overlays, as they are before the first release."""
    for name in ("base", "overlays"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    return Copy(tmp_path)
