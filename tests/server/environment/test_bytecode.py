from __future__ import annotations

import sys
from pathlib import Path

import pytest

from server.environment import bytecode
from server.environment.build import build
from server.errors import BadDestination
from server.settings import EnvironmentSettings
from tests.server.environment import making

TAG = sys.implementation.cache_tag


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The site-packages of an environment with one module, one of another Python and one of tests."""
    folder = tmp_path / "env" / "lib" / "python3" / "site-packages"
    (folder / "alpha" / "tests").mkdir(parents=True)
    (folder / "alpha" / "__init__.py").write_text("SAYS = 'alpha'\n")
    (folder / "alpha" / "old.py").write_text("print 'for Python 2'\n")
    (folder / "alpha" / "tests" / "test_alpha.py").write_text("")
    (tmp_path / "env" / "bin").mkdir()
    (tmp_path / "env" / "bin" / "python").symlink_to(sys.executable)
    return folder


def compiled(packages: Path) -> list[str]:
    return sorted(str(path.relative_to(packages)) for path in packages.rglob("*.pyc"))


def test_every_module_but_those_of_tests(tmp_path: Path, packages: Path) -> None:
    bytecode.compile_modules(tmp_path / "env", TAG, None)
    assert compiled(packages) == [f"alpha/__pycache__/__init__.{TAG}.pyc"]
    assert (
        making.run(
            tmp_path / "env" / "bin" / "python",
            f"import sys; sys.path.insert(0, {str(packages)!r})\nimport alpha; print(alpha.SAYS)",
        )
        == "alpha"
    )


def test_what_is_kept_is_not_compiled_again(tmp_path: Path, packages: Path) -> None:
    store = tmp_path / "store"
    bytecode.compile_modules(tmp_path / "env", TAG, store)
    (kept,) = store.rglob("*.pyc")
    first = packages / "alpha" / "__pycache__" / f"__init__.{TAG}.pyc"
    assert first.stat().st_ino == kept.stat().st_ino
    first.unlink()
    # Nothing is left to compile, so no interpreter is needed.
    (packages / "alpha" / "old.py").unlink()
    (tmp_path / "env" / "bin" / "python").unlink()
    bytecode.compile_modules(tmp_path / "env", TAG, store)
    assert first.stat().st_ino == kept.stat().st_ino


def test_other_source_of_the_same_name_is_compiled(tmp_path: Path, packages: Path) -> None:
    store = tmp_path / "store"
    bytecode.compile_modules(tmp_path / "env", TAG, store)
    (packages / "alpha" / "__init__.py").write_text("SAYS = 'other'\n")
    (packages / "alpha" / "__pycache__" / f"__init__.{TAG}.pyc").unlink()
    bytecode.compile_modules(tmp_path / "env", TAG, store)
    assert len(list(store.rglob("*.pyc"))) == 2


def test_byte_code_is_used_whatever_the_source_file_s_time(tmp_path: Path, index: str) -> None:
    final = build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "env", EnvironmentSettings())
    (path,) = final.glob("lib/python*/site-packages/__pycache__/alpha.*.pyc")
    flags = int.from_bytes(path.read_bytes()[4:8], "little")
    assert flags == 0b01  # By hash, and not checked (PEP 552).


def test_file_that_runs_code_at_start_is_not_run(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "ran"
    wheel = making.wheel(
        tmp_path,
        "gamma",
        "1.0",
        files={"gamma.pth": f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n"},
    )
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", wheel))
    final = build(making.model(tmp_path / "model", "gamma\n"), tmp_path / "env", EnvironmentSettings())
    assert not mark.exists()
    making.run(final / "bin" / "python", "import gamma")
    assert mark.exists()


def test_interpreter_that_fails(tmp_path: Path, packages: Path) -> None:
    python = tmp_path / "env" / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\ncat >/dev/null\necho 'No space left on device' >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(BadDestination) as raised:
        bytecode.compile_modules(tmp_path / "env", TAG, None)
    assert str(raised.value) == (
        "the environment's modules cannot be compiled (No space left on device); give its volume more room, or the "
        "container more memory"
    )
