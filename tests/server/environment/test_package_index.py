"""Wheels that come with a model, and packages that several indexes have: served over HTTP, with real wheels."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from server.environment import package_index
from server.environment.build import build
from server.errors import BadRequirements, UnresolvableRequirements
from server.pins import locking
from server.settings import EnvironmentSettings
from server.settings_loader import load
from tests.server.environment import making

SAYS = "import alpha; print(alpha.SAYS)"
PIPS = (
    "the model's requirements name an extra index: a package's best version on any of its indexes is installed, as by pip "
    "(ENVIRONMENT_INDEX_STRATEGY=first-index takes it from the first index that has it)"
)
SETTINGS = EnvironmentSettings()


def wheel_says(env: Path) -> str:
    return making.run(env / "current" / "bin" / "python", SAYS)


def test_wheel_of_the_model_counts_before_the_index(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "a model", "beta\n")
    making.wheel(model / "wheels", "alpha", "1.5", says="the model's")
    # The index has 2.0, which is newer.
    build(model, tmp_path / "env", EnvironmentSettings())
    assert wheel_says(tmp_path / "env") == "the model's"


def test_package_of_the_model_is_taken_from_nowhere_else(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha==2.0\n")
    making.wheel(model / "wheels", "alpha", "1.5")
    with pytest.raises(
        UnresolvableRequirements, match=r"\nat fault: requirements\.txt, line 1: alpha==2\.0\n"
    ):
        build(model, tmp_path / "env", EnvironmentSettings())


def test_requirement_that_names_the_file(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "wheels/alpha-1.5-py3-none-any.whl\n")
    making.wheel(model / "wheels", "alpha", "1.5")
    build(model, tmp_path / "env", EnvironmentSettings())
    assert wheel_says(tmp_path / "env") == "1.5"


def test_other_content_is_another_environment(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "own/alpha-1.5-py3-none-any.whl\n")
    making.wheel(model / "own", "alpha", "1.5", says="first")
    first = build(model, tmp_path / "env", EnvironmentSettings())
    making.wheel(model / "own", "alpha", "1.5", says="second")
    assert build(model, tmp_path / "env", EnvironmentSettings()) != first
    assert wheel_says(tmp_path / "env") == "second"


def test_offline_with_the_wheels_alone(tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://192.0.2.1/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    model = making.model(tmp_path / "model", "beta\n")
    making.wheel(model / "wheels", "beta", "1.0", ["alpha"])
    settings = EnvironmentSettings(offline=True)
    with pytest.raises(UnresolvableRequirements) as raised:
        build(model, tmp_path / "env", settings)
    assert str(raised.value).splitlines()[-1] == (
        "put the missing wheels into the model's wheels/ folder, or turn ENVIRONMENT_OFFLINE off"
    )
    making.wheel(model / "wheels", "alpha", "1.5")
    build(model, tmp_path / "env", settings)
    assert wheel_says(tmp_path / "env") == "1.5"


def test_hashes(tmp_path: Path) -> None:
    path = making.wheel(tmp_path / "wheels", "alpha", "1.5")
    (tmp_path / "wheels" / "notes.txt").write_text("not a wheel")
    assert package_index.wheel_hashes(tmp_path) == {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    shutil.rmtree(tmp_path / "wheels")
    assert package_index.wheel_hashes(tmp_path) == {}
    assert package_index.wheel_index(tmp_path, {}, tmp_path / "index") == ""


def test_name_that_is_none_of_a_wheel(tmp_path: Path) -> None:
    with pytest.raises(BadRequirements) as raised:
        package_index.wheel_index(tmp_path, {"alpha.whl": "ab"}, tmp_path / "index")
    assert str(raised.value) == (
        "wheels/alpha.whl: is not the name of a wheel, name-version-python-abi-platform.whl; name the file as it was "
        "built and log the model again"
    )


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the files of ``folder`` on loopback, and give the URL."""
    handler = functools.partial(_Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def pages(folder: Path, *versions: str) -> Path:
    """Make an index of these versions of gamma, with links that are relative as those of servers are."""
    page = folder / "gamma" / "index.html"
    for version in versions:
        wheel = making.wheel(folder / "gamma", "gamma", version, says=f"{version} of {folder.name}")
        with page.open("a") as file:
            file.write(f'<a href="{wheel.name}">{wheel.name}</a>\n')
    return folder


@pytest.fixture
def extra(tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an extra index with gamma 1.10.0 and 1.16.0; the default index has 1.16.0 and 1.17.0."""
    with ExitStack() as stack:
        default = stack.enter_context(served(pages(tmp_path / "default", "1.16.0", "1.17.0")))
        monkeypatch.setenv("UV_DEFAULT_INDEX", default)
        yield stack.enter_context(served(pages(tmp_path / "extra", "1.10.0", "1.16.0")))


def says(env: Path) -> str:
    return making.run(env / "current" / "bin" / "python", "import gamma; print(gamma.SAYS)")


def test_the_best_version_of_all_indexes_where_the_model_names_an_extra_one(
    tmp_path: Path, extra: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    model = making.model(tmp_path / "model", f"--extra-index-url {extra}\ngamma\n")
    build(model, tmp_path / "env", SETTINGS)
    assert says(tmp_path / "env") == "1.17.0 of default"
    assert PIPS in caplog.messages


def test_a_pin_that_the_first_index_lacks_is_locked_and_installed(tmp_path: Path, extra: str) -> None:
    model = making.model(tmp_path / "model", f"--extra-index-url {extra}\ngamma==1.17.0\n")
    lock = tmp_path / "lock"
    lock.write_text(locking.make(model, SETTINGS))
    assert "\ngamma==1.17.0 \\\n" in lock.read_text()
    build(model, tmp_path / "env", EnvironmentSettings(lock=str(lock)))
    assert says(tmp_path / "env") == "1.17.0 of default"


@pytest.mark.parametrize("name", ["ENVIRONMENT_INDEX_STRATEGY", "UV_INDEX_STRATEGY"])
def test_the_setting_counts_before_the_models_list(
    tmp_path: Path, extra: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = load(EnvironmentSettings, {name: "first-index"})
    model = making.model(tmp_path / "model", f"--extra-index-url {extra}\ngamma\n")
    build(model, tmp_path / "env", settings)
    assert says(tmp_path / "env") == "1.16.0 of extra"
    assert PIPS not in caplog.messages
    pinned = making.model(tmp_path / "pinned", f"--extra-index-url {extra}\ngamma==1.17.0\n")
    with pytest.raises(UnresolvableRequirements) as raised:
        build(pinned, tmp_path / "other", settings)
    assert str(raised.value).endswith(
        "\nhave the versions of all indexes count, as pip does, with ENVIRONMENT_INDEX_STRATEGY=unsafe-best-match, if each "
        "index is trusted for every package; what lies in the model's wheels/ folder comes from there alone"
    )


def test_an_extra_index_of_the_surroundings_counts_first(
    tmp_path: Path, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", extra)
    model = making.model(tmp_path / "model", "gamma\n")
    build(model, tmp_path / "env", SETTINGS)
    assert says(tmp_path / "env") == "1.16.0 of extra"
    build(model, tmp_path / "env", EnvironmentSettings(index_strategy="unsafe-best-match"))
    assert says(tmp_path / "env") == "1.17.0 of default"


@pytest.mark.parametrize("version", ["1.5", "1.17.0"])
def test_wheels_of_the_model_are_taken_from_nowhere_else(tmp_path: Path, extra: str, version: str) -> None:
    model = making.model(tmp_path / "model", f"--extra-index-url {extra}\ngamma\n")
    making.wheel(model / "wheels", "gamma", version, says="the model's")
    build(model, tmp_path / "env", SETTINGS)
    assert says(tmp_path / "env") == "the model's"
    record = json.loads((tmp_path / "env" / "current" / "environment.json").read_text())
    assert record["added"] == {
        f"gamma=={version}": "limited, since the model's folder wheels/ holds this version"
    }


def test_several_versions_in_the_model_and_an_extra_index(tmp_path: Path, extra: str) -> None:
    model = making.model(tmp_path / "model", f"--extra-index-url {extra}\ngamma\n")
    for version in ("1.5", "1.6"):
        making.wheel(model / "wheels", "gamma", version)
    with pytest.raises(BadRequirements) as raised:
        build(model, tmp_path / "env", SETTINGS)
    assert str(raised.value) == (
        "wheels/ holds gamma 1.5 and 1.6, and with the index strategy unsafe-best-match an index could give another; keep one "
        "version in it and log the model again, or set ENVIRONMENT_INDEX_STRATEGY=first-index"
    )
