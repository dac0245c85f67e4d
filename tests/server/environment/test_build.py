from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server.environment.build import build
from server.environment.interpreters import Interpreter
from server.errors import BadDestination, BadRequirements, NoInterpreter, UnresolvableRequirements
from server.settings import EnvironmentSettings
from server.telemetry import start_record
from tests.server.environment import making

SETTINGS = EnvironmentSettings()


def test_current_has_the_requirements(tmp_path: Path, index: str) -> None:
    final = build(making.model(tmp_path / "model", "beta\n"), tmp_path / "env", SETTINGS)
    python = tmp_path / "env" / "current" / "bin" / "python"
    assert making.run(python, "import alpha, beta; print(alpha.SAYS, beta.SAYS)") == "2.0 1.0"
    assert final == tmp_path / "env" / final.name
    there = {path.name for path in (tmp_path / "env").iterdir()}
    assert there == {final.name, "current", start_record.ENVIRONMENT}
    assert start_record.read(tmp_path / "env" / start_record.ENVIRONMENT)["seconds"] > 0


def test_nothing_of_the_server_is_in_it(tmp_path: Path, index: str) -> None:
    build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "env", SETTINGS)
    python = tmp_path / "env" / "current" / "bin" / "python"
    found = "import importlib.util as u; print([n for n in ('numpy', 'yaml', 'uv', 'pip') if u.find_spec(n)])"
    assert making.run(python, found) == "[]"


def test_record(tmp_path: Path, index: str) -> None:
    final = build(making.model(tmp_path / "model", "alpha==1.0  # why\n"), tmp_path / "env", SETTINGS)
    record = json.loads((final / "environment.json").read_text())
    assert record["key"] == final.name
    assert record["python"].startswith(making.this_python().rpartition(".")[0])
    assert record["requirements"] == ["alpha==1.0"]
    assert record["packages"] == {"alpha": "1.0"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", record["uv"])


def test_byte_code_is_compiled(tmp_path: Path, index: str) -> None:
    final = build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "env", SETTINGS)
    assert len(list(final.glob("lib/python*/site-packages/__pycache__/alpha.*.pyc"))) == 1


@pytest.mark.long
def test_environment_can_be_moved(tmp_path: Path, index: str) -> None:
    build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "env", SETTINGS)
    (tmp_path / "env").rename(tmp_path / "moved")
    current = tmp_path / "moved" / "current"
    assert making.run(current / "bin" / "python", "import alpha; print(alpha.SAYS)") == "2.0"
    says = subprocess.run(
        [current / "bin" / "alpha-says"], env={"PATH": os.defpath}, check=True, capture_output=True, text=True
    )
    assert says.stdout == "2.0\n"


def test_same_requirements_are_not_installed_twice(
    tmp_path: Path, index: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first = build(making.model(tmp_path / "one", "alpha\n"), tmp_path / "env", SETTINGS)
    shutil.rmtree(tmp_path / "index")
    second = build(making.model(tmp_path / "two", "# the same\nalpha\n"), tmp_path / "env", SETTINGS)
    assert second == first
    assert caplog.messages[-1] == f"the environment {first} is there already"


def test_same_requirements_need_no_other_look_for_interpreters(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    first = build(model, tmp_path / "env", SETTINGS)
    # Without these uv finds no interpreter.
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("UV_PYTHON_PREFERENCE", "only-managed")
    assert build(model, tmp_path / "env", SETTINGS) == first
    with pytest.raises(NoInterpreter):
        build(model, tmp_path / "other", SETTINGS)


def test_other_requirements_are_another_environment(tmp_path: Path, index: str) -> None:
    first = build(making.model(tmp_path / "one", "alpha==1.0\n"), tmp_path / "env", SETTINGS)
    second = build(making.model(tmp_path / "two", "alpha==2.0\n"), tmp_path / "env", SETTINGS)
    assert first != second
    assert first.is_dir()
    assert (tmp_path / "env" / "current").readlink() == Path(second.name)


def test_requirement_that_does_not_resolve(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "beta\n\nalpha==99\n")
    with pytest.raises(UnresolvableRequirements) as raised:
        build(model, tmp_path / "env", SETTINGS)
    assert re.sub(r"Python [\d.]+:", "Python X:", str(raised.value)) == (
        "the model's requirements cannot be installed for Python X: No solution found when resolving dependencies\n"
        "Because there is no version of alpha==99 and you require alpha==99, we can conclude that your requirements "
        "are unsatisfiable.\n"
        "at fault: requirements.txt, line 3: alpha==99\n"
        "correct the requirements and log the model again, or pin them with a requirements.lock"
    )
    assert list((tmp_path / "env").iterdir()) == []


def test_failure_keeps_the_environment_that_was_there(tmp_path: Path, index: str) -> None:
    first = build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "env", SETTINGS)
    with pytest.raises(UnresolvableRequirements):
        build(making.model(tmp_path / "model", "nothing\n"), tmp_path / "env", SETTINGS)
    assert (tmp_path / "env" / "current").resolve() == first


def test_source_distribution_is_refused_unless_allowed(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "gamma-1.0.tar.gz"
    source.write_bytes(b"")
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "sources", source))
    model = making.model(tmp_path / "model", "gamma\n")
    with pytest.raises(UnresolvableRequirements) as raised:
        build(model, tmp_path / "env", SETTINGS)
    assert str(raised.value).endswith(
        "at fault: requirements.txt, line 1: gamma\n"
        "require versions that have wheels for this Python, or allow source distributions, which run code of their "
        "own, with ENVIRONMENT_SOURCE_DISTRIBUTIONS=true"
    )
    # When they are allowed uv unpacks it, and finds that it is none.
    with pytest.raises(UnresolvableRequirements, match=r"gamma.*\n?.*(extract|unpack|read)"):
        build(model, tmp_path / "env", EnvironmentSettings(source_distributions=True))


def test_nearest_python_with_a_warning(
    tmp_path: Path, index: str, pythons: list[Interpreter], caplog: pytest.LogCaptureFixture
) -> None:
    model = making.model(tmp_path / "model", "alpha\n", python="3.99.1")
    build(model, tmp_path / "env", SETTINGS)
    here = ", ".join(map(str, pythons))
    assert caplog.messages == [
        f"the model asks for Python 3.99.1, and the interpreters here are {here}; it gets {pythons[-1]} "
        f"({pythons[-1].path}), the nearest one for which its requirements resolve"
    ]
    version = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    assert making.run(tmp_path / "env" / "current" / "bin" / "python", version) == str(pythons[-1])


def test_nearest_python_is_chosen_again_without_an_index(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha\n", python="3.99.1")
    first = build(model, tmp_path / "env", SETTINGS)
    shutil.rmtree(tmp_path / "index")
    assert build(model, tmp_path / "env", SETTINGS) == first


def test_list_of_links_in_the_model_folder(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "--find-links links\nown\n")
    making.wheel(model / "links", "own", "1.0")
    final = build(model, tmp_path / "env", SETTINGS)
    assert making.run(final / "bin" / "python", "import own; print(own.SAYS)") == "1.0"


@pytest.mark.long
def test_python_that_is_asked_for(tmp_path: Path, index: str, two_pythons: list[Interpreter]) -> None:
    for wanted in (two_pythons[0], two_pythons[-1]):
        final = build(
            making.model(tmp_path / "model", "alpha\n", python=f"{wanted.minor}.99"),
            tmp_path / "env",
            SETTINGS,
        )
        assert json.loads((final / "environment.json").read_text())["python"] == str(wanted)


@pytest.mark.long
def test_next_nearest_python_where_the_nearest_does_not_resolve(
    tmp_path: Path, index: str, two_pythons: list[Interpreter], monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = f"cp{two_pythons[-2].minor.replace('.', '')}-none-any"
    old = making.wheel(tmp_path, "old", "1.0", tag=tag)
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", old))
    final = build(making.model(tmp_path / "model", "old\n", python="3.99.1"), tmp_path / "env", SETTINGS)
    assert json.loads((final / "environment.json").read_text())["python"] == str(two_pythons[-2])


def test_no_python_will_do(tmp_path: Path, index: str, pythons: list[Interpreter]) -> None:
    model = making.model(tmp_path / "model", "alpha==99\n", python="3.99.1")
    here = ", ".join(map(str, pythons))
    with pytest.raises(UnresolvableRequirements) as raised:
        build(model, tmp_path / "env", SETTINGS)
    assert str(raised.value).startswith(
        f"the model asks for Python 3.99.1, and the interpreters here are {here}; none of them will do. For the "
        f"nearest: the model's requirements cannot be installed for Python {pythons[-1]}: No solution found"
    )


def test_strict_python(tmp_path: Path, index: str, pythons: list[Interpreter]) -> None:
    model = making.model(tmp_path / "model", "alpha\n", python="3.99.1")
    with pytest.raises(NoInterpreter) as raised:
        build(model, tmp_path / "env", EnvironmentSettings(strict_python=True))
    assert str(raised.value) == (
        f"the model asks for Python 3.99.1, and the interpreters here are {', '.join(map(str, pythons))}; use an "
        "image that has Python 3.99, or let the nearest one be used with ENVIRONMENT_STRICT_PYTHON=false"
    )


def test_the_servers_own_python_where_no_other_is_here(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "none"))
    for variable in ("PYENV_ROOT", "ASDF_DATA_DIR", "MISE_DATA_DIR"):
        monkeypatch.delenv(variable, raising=False)
    build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "env", SETTINGS)
    python = tmp_path / "env" / "current" / "bin" / "python"
    assert python.resolve().parent == Path(sys.base_exec_prefix) / "bin"


def test_settings_of_uv_in_the_model_folder_do_not_count(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    (model / "uv.toml").write_text("this is no setting\n")
    (model / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\nrequires-python = ">=4"\n')
    (model / ".python-version").write_text("3.7\n")
    build(model, tmp_path / "env", SETTINGS)


def test_packages_of_conda(tmp_path: Path, index: str, caplog: pytest.LogCaptureFixture) -> None:
    model = making.model(tmp_path / "model")
    (model / "conda.yaml").write_text(
        "dependencies:\n- python=3.11\n- libgomp=12\n- cudatoolkit\n- pip:\n  - alpha\n"
    )
    with pytest.raises(BadRequirements) as raised:
        build(model, tmp_path / "env", SETTINGS)
    assert str(raised.value) == (
        "conda.yaml lists packages that only conda can install: libgomp=12, cudatoolkit; list what is on a pip index "
        "under pip and log the model again, or leave them out with ENVIRONMENT_IGNORE_CONDA_PACKAGES=true"
    )
    build(model, tmp_path / "env", EnvironmentSettings(ignore_conda_packages=True))
    assert "left out, since only conda can install them: libgomp=12, cudatoolkit" in caplog.messages


def test_cache_is_used_by_the_next_pod(tmp_path: Path, index: str) -> None:
    settings = EnvironmentSettings(cache=str(tmp_path / "cache"))
    first = build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "one", settings)
    shutil.rmtree(tmp_path / "index")
    second = build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "two", settings)
    assert first == second == tmp_path / "cache" / first.name
    assert (tmp_path / "two" / "current").readlink() == first
    assert {path.name for path in (tmp_path / "two").iterdir()} == {"current", start_record.ENVIRONMENT}


def test_pods_with_other_indexes_do_not_share_an_environment(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their credentials do not count: they change."""
    settings = EnvironmentSettings(cache=str(tmp_path / "cache"))
    model = making.model(tmp_path / "model", "alpha\n")
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", "https://one:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_OFFLINE", "1")
    first = build(model, tmp_path / "first", settings)
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", "https://two:secret@127.0.0.1:9/simple")
    assert build(model, tmp_path / "second", settings) == first
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", "https://127.0.0.1:9/other")
    assert build(model, tmp_path / "third", settings) != first


def test_cache_that_has_the_environment_is_only_read(tmp_path: Path, index: str) -> None:
    settings = EnvironmentSettings(cache=str(tmp_path / "cache"))
    build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "one", settings)
    before = (tmp_path / "cache").stat().st_mtime_ns
    build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "two", settings)
    assert (tmp_path / "cache").stat().st_mtime_ns == before


def test_destination_that_cannot_be_written(tmp_path: Path, index: str) -> None:
    (tmp_path / "env").write_text("a file")
    with pytest.raises(BadDestination) as raised:
        build(making.model(tmp_path / "model", "alpha\n"), tmp_path / "env", SETTINGS)
    env = tmp_path / "env"
    assert re.sub(r"\.building-\w+", ".building-X", str(raised.value)) == (
        f"{env}/.building-X: Not a directory; mount a volume at {env} that can be written and has room"
    )
