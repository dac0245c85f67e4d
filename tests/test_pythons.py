"""The Pythons of the tests: which there must be, where they are found, and what becomes of a test without its own."""

from __future__ import annotations

import io
import platform
import sys
from pathlib import Path

import pytest

from tests import pythons
from tests.server.flavors.matrix import MATRIX

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
# uv has no build of it, so nothing is downloaded.
NONE = "3.99"


def test_make_pythons_brings_all_that_models_are_logged_on() -> None:
    assert {logging.python for logging in MATRIX} <= set(pythons.PYTHONS)


def test_one_that_is_missing_skips_the_test_and_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "IN_ACTIONS", False)
    with pytest.raises(pytest.skip.Exception, match=r"needs Python 3\.99, and this machine has none"):
        pythons.needs(NONE)


def test_in_github_actions_it_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "IN_ACTIONS", True)
    with pytest.raises(
        pytest.fail.Exception, match=r"needs Python 3\.99, .*: run `make pythons` before the tests"
    ):
        pythons.needs(NONE)


@pytest.mark.skipif(sys.platform != "linux", reason="the folder's name is that of Linux")
def test_a_build_that_uv_manages_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    libc = "gnu" if platform.libc_ver()[0] == "glibc" else "musl"
    build = f"cpython-{platform.python_version()}-linux-{platform.machine()}-{libc}"
    (tmp_path / build).mkdir()
    for part in Path(sys.base_prefix).iterdir():
        (tmp_path / build / part.name).symlink_to(part)
    alone = {"PATH": str(tmp_path), "HOME": str(tmp_path), "UV_PYTHON_INSTALL_DIR": str(tmp_path)}
    monkeypatch.setattr(pythons, "environ", lambda: {**alone, "UV_PYTHON_DOWNLOADS": "never"})
    assert pythons.find(HERE) in (tmp_path / build / "bin").iterdir()


def test_what_is_there_is_not_brought_and_what_cannot_be_had_is_named() -> None:
    out = io.StringIO()
    assert pythons.bring([HERE], out) == 0
    assert out.getvalue() == f"Python {HERE}: {pythons.find(HERE)}\n"
    out = io.StringIO()
    assert pythons.bring([HERE, NONE], out) == 1
    assert (
        "\nPython 3.99: cannot be had: error: No download found for request: cpython-3.99" in out.getvalue()
    )
    assert (
        "\nerror: no Python 3.99: tests that need it are skipped, and fail in GitHub Actions; "
        in out.getvalue()
    )
