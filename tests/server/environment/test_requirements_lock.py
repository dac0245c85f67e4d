from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from server.artifact.digest import model_digest
from server.environment import interpreters, requirements_lock
from server.environment.build import build
from server.environment.interpreters import Interpreter
from server.errors import BadLock, UnresolvableRequirements
from server.pins import locking
from server.settings import EnvironmentSettings
from tests.server.environment import making

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
AGAIN = "make it again with `python -m server lock MODEL -o requirements.lock`"


def locked(model: Path, path: Path, pythons: tuple[str, ...] = (HERE,)) -> EnvironmentSettings:
    """Write the lock of ``model`` to ``path``, and return the settings that name it."""
    path.write_text(locking.make(model, EnvironmentSettings(), pythons))
    return EnvironmentSettings(lock=str(path))


def test_mounted_lock_is_installed_exactly(
    tmp_path: Path, index: str, distributions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = making.model(tmp_path / "model", "beta\n")
    settings = locked(model, tmp_path / "lock")
    # A newer alpha comes out afterwards; without a lock it would be installed.
    newer = making.wheel(tmp_path / "newer", "alpha", "3.0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "later", *distributions, newer))
    final = build(model, tmp_path / "env", settings)
    record = json.loads((final / "environment.json").read_text())
    assert record["packages"] == {"alpha": "2.0", "beta": "1.0"}
    assert record["locked"] == model_digest(model)
    final = build(model, tmp_path / "env", EnvironmentSettings())
    assert json.loads((final / "environment.json").read_text())["packages"]["alpha"] == "3.0"


def test_lock_in_the_model_folder(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "beta\n")
    locked(model, model / "requirements.lock")
    final = build(model, tmp_path / "env", EnvironmentSettings())
    assert json.loads((final / "environment.json").read_text())["locked"] == requirements_lock.digest(model)
    # Locking again gives the same: the lock that lies there does not count.
    assert locking.make(model, EnvironmentSettings(), [HERE]) == (model / "requirements.lock").read_text()


def test_lock_that_is_not_mounted_does_not_count(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    final = build(model, tmp_path / "env", EnvironmentSettings(lock=str(tmp_path / "none")))
    assert json.loads((final / "environment.json").read_text())["locked"] is None


def test_lock_of_a_model_with_options(tmp_path: Path, index: str, distributions: list[Path]) -> None:
    sha256 = hashlib.sha256(distributions[1].read_bytes()).hexdigest()
    requirements = f"--require-hashes\n--pre\n--find-links links\nalpha==2.0 --hash=sha256:{sha256}\n"
    model = making.model(tmp_path / "model", requirements)
    (model / "links").mkdir()
    (tmp_path / "index").rename(tmp_path / "gone")
    (model / "links" / distributions[1].name).write_bytes(distributions[1].read_bytes())
    final = build(model, tmp_path / "env", locked(model, tmp_path / "lock"))
    assert json.loads((final / "environment.json").read_text())["packages"] == {"alpha": "2.0"}


def test_lock_of_another_model(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    settings = locked(model, tmp_path / "lock")
    before = model_digest(model)
    (model / "model.skops").write_bytes(b"changed")
    with pytest.raises(BadLock) as raised:
        build(model, tmp_path / "env", settings)
    assert str(raised.value) == (
        f"{tmp_path}/lock: belongs to the model {before}, and this model is {model_digest(model)}; {AGAIN}"
    )
    assert not (tmp_path / "env").exists()


def test_other_bytes_under_the_locked_version(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    settings = locked(model, tmp_path / "lock")
    evil = making.wheel(tmp_path / "evil", "alpha", "2.0", says="evil")
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", evil))
    with pytest.raises(UnresolvableRequirements) as raised:
        build(model, tmp_path / "env", settings)
    assert "Hash mismatch for `alpha==2.0`" in str(raised.value)
    assert "\nat fault: lock, line 6: alpha==2.0\n" in str(raised.value)
    assert list((tmp_path / "env").iterdir()) == []


def test_requirement_without_a_hash(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    path = tmp_path / "lock"
    path.write_text(
        requirements_lock.render(requirements_lock.digest(model), [HERE], ["linux-x86_64"], "alpha==2.0\n")
    )
    with pytest.raises(BadLock) as raised:
        build(model, tmp_path / "env", EnvironmentSettings(lock=str(path)))
    assert str(raised.value) == (
        f"{path}: lock, line 6: alpha==2.0 has no hash, and a lock is installed with hashes only; {AGAIN}"
    )


def test_lock_for_other_pythons(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    settings = locked(model, tmp_path / "lock", ("3.98", "3.99"))
    with pytest.raises(BadLock) as raised:
        build(model, tmp_path / "env", settings)
    assert str(raised.value).startswith(
        "the requirements.lock is for Python 3.98, 3.99 on linux-x86_64, linux-aarch64, macos-aarch64, macos-x86_64, and the model "
        f"would get Python {HERE} on "
    )


@pytest.fixture
def macos(pythons: list[Interpreter], monkeypatch: pytest.MonkeyPatch) -> None:
    """This interpreter is told as uv tells one of macOS on arm64."""
    told = [replace(each, platform="macos-aarch64-none") for each in pythons if each.minor == HERE]
    monkeypatch.setattr(interpreters, "present", lambda _: told)


@pytest.mark.usefixtures("macos")
def test_a_local_run_on_macos_installs_the_versions_of_the_pod(
    tmp_path: Path, index: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = making.model(tmp_path / "model", "alpha<2\n")
    settings = locked(model, tmp_path / "lock")
    final = build(model, tmp_path / "env", settings)
    assert json.loads((final / "environment.json").read_text())["packages"] == {"alpha": "1.0"}
    assert [each for each in caplog.records if each.levelname == "WARNING"] == []
    # One that was made before macOS was resolved, too.
    text = (tmp_path / "lock").read_text()
    (tmp_path / "lock").write_text(text.replace(", macos-aarch64, macos-x86_64", ""))
    build(model, tmp_path / "other", settings)
    (warning,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert warning.startswith(
        "the requirements.lock is for linux-x86_64 and linux-aarch64: its versions are installed on macos-aarch64, for a "
        "local run"
    )


def test_a_lock_that_lacks_what_this_platform_requires(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "beta\n")
    settings = locked(model, tmp_path / "lock")
    text = (tmp_path / "lock").read_text()
    (tmp_path / "lock").write_text(text.replace("alpha==2.0", "alpha==2.0 ; sys_platform == 'other'"))
    with pytest.raises(UnresolvableRequirements) as raised:
        build(model, tmp_path / "env", settings)
    assert str(raised.value).endswith(
        "the requirements.lock lacks what this platform requires: promote the model again, or make its lock by "
        "`python -m server lock MODEL -o requirements.lock`"
    )


@pytest.mark.usefixtures("macos")
def test_a_local_run_on_macos_needs_a_python_of_the_lock(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    with pytest.raises(BadLock, match=rf"the model would get Python {HERE} on macos-aarch64"):
        build(model, tmp_path / "env", locked(model, tmp_path / "lock", ("3.99",)))


def test_python_that_the_lock_leaves_out(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    path = tmp_path / "lock"
    platforms = ["linux-x86_64", "linux-aarch64"]
    path.write_text(
        requirements_lock.render(requirements_lock.digest(model), ["3.8", "3.99"], platforms, "", [HERE])
    )
    assert requirements_lock.read(path).left_out == (HERE,)
    with pytest.raises(BadLock) as raised:
        build(model, tmp_path / "env", EnvironmentSettings(lock=str(path)))
    system = f"{HERE} on linux-{platform.machine()}"
    assert str(raised.value) == (
        "the requirements.lock is for Python 3.8, 3.99 on linux-x86_64, linux-aarch64, and the model would get Python "
        f"{system}, which it leaves out, since the requirements did not resolve for it; use an image that has Python 3.8 or "
        f"3.99, or log the model again with requirements that resolve for {HERE}"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no line `# model: …`, so nothing says what it belongs to"),
        ("# model: sha256:ab\nsix==1\n", "has no line `# python: …`, so nothing says what it belongs to"),
    ],
)
def test_what_is_no_lock(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "requirements.lock"
    path.write_text(text)
    with pytest.raises(BadLock) as raised:
        requirements_lock.read(path)
    assert str(raised.value) == f"{path}: {why}; {AGAIN}"


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "requirements.lock"
    requirements = "six==1 \\\n    --hash=sha256:cd\n"
    text = requirements_lock.render("sha256:ab", ["3.11", "3.12"], ["linux-x86_64"], requirements)
    path.write_text(text)
    read = requirements_lock.read(path)
    assert (read.digest, read.pythons, read.platforms) == ("sha256:ab", ("3.11", "3.12"), ("linux-x86_64",))
    assert [entry.shown for entry in read.requirements.entries] == ["six==1"]
    assert read.content == read.actual
    path.write_text(text.replace("sha256:cd", "sha256:ce"))
    assert requirements_lock.read(path).content == read.content != requirements_lock.read(path).actual
