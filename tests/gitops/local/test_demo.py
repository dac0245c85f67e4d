"""TODO."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import BadManifest
from gitops.local import demo


def test_every_file_of_an_overlay_is_needed(tmp_path: Path) -> None:
    with pytest.raises(BadManifest) as error:
        demo.read_expected(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/expected.json: there is no such file; add one with a request and the model's response"
    )
