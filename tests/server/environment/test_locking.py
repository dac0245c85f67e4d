from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from server.artifact.digest import model_digest
from server.errors import BadRequirements, UnresolvableRequirements
from server.pins import locking
from server.settings import EnvironmentSettings
from tests.server.environment import making

SETTINGS = EnvironmentSettings()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_lock(tmp_path: Path, index: str, distributions: list[Path]) -> None:
    model = making.model(tmp_path / "model", "beta\n", python="3.12.1")
    first, _, rest = locking.make(model, SETTINGS).partition("# content: ")
    content, _, requirements = rest.partition("\n")
    assert first == (
        "# Written by `python -m server lock`; belongs to this model and no other.\n"
        f"# model: {model_digest(model)}\n"
        "# python: 3.11, 3.12, 3.13, 3.14, 3.15\n"
        "# platform: linux-x86_64, linux-aarch64, macos-aarch64, macos-x86_64\n"
    )
    assert requirements == (
        f"alpha==2.0 \\\n    --hash=sha256:{sha256(distributions[1])}\n"
        f"beta==1.0 \\\n    --hash=sha256:{sha256(distributions[2])}\n"
    )
    # What `sha256sum` says of all other lines.
    assert content == f"sha256:{hashlib.sha256((first + requirements).strip().encode()).hexdigest()}"


def test_what_a_model_needs_and_does_not_list_is_locked(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    setuptools = making.wheel(tmp_path, "setuptools", "80.0")
    mlflow = making.wheel(tmp_path, "mlflow", "2.9.2")
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", setuptools, mlflow))
    text = locking.make(making.model(tmp_path / "model", "mlflow==2.9.2\n"), SETTINGS, ["3.12"])
    assert "setuptools==80.0 \\\n" in text


def test_wheels_of_the_model_and_constraints(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "-c limits.txt\nown\nalpha\n")
    (model / "limits.txt").write_text("alpha<2\n")
    own = making.wheel(model / "wheels", "own", "1.0")
    text = locking.make(model, SETTINGS, ["3.12"])
    assert "alpha==1.0 \\\n" in text
    assert f"own==1.0 \\\n    --hash=sha256:{sha256(own)}\n" in text
    assert str(tmp_path) not in text


def test_platform_without_wheels_is_not_covered(
    tmp_path: Path, index: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    gamma = making.wheel(tmp_path, "gamma", "1.0", tag="py3-none-manylinux_2_17_x86_64")
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", gamma))
    text = locking.make(making.model(tmp_path / "model", "gamma\n"), SETTINGS, ["3.12"])
    assert "\n# platform: linux-x86_64\n" in text
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(
        "the lock does not cover Python 3.12 on linux-aarch64: the model's requirements cannot be installed for Python 3.12 "
        "on linux-aarch64: No solution found"
    )


def test_what_each_operating_system_requires_is_locked_at_the_versions_of_the_pod(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requires = ("alpha", "bridge; sys_platform == 'darwin'", "driver; sys_platform == 'linux'")
    wheels = [
        making.wheel(tmp_path, "gamma", "1.0", requires),
        making.wheel(tmp_path, "alpha", "1.0"),
        # Newer, and of no use to a pod.
        making.wheel(tmp_path, "alpha", "2.0", tag="py3-none-macosx_11_0_arm64"),
        making.wheel(tmp_path, "bridge", "1.0", tag="py3-none-macosx_11_0_universal2"),
        making.wheel(tmp_path, "driver", "1.0", tag="py3-none-manylinux_2_17_x86_64"),
        making.wheel(tmp_path, "driver", "1.0", tag="py3-none-manylinux_2_17_aarch64"),
    ]
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", *wheels))
    text = locking.make(making.model(tmp_path / "model", "gamma\n"), SETTINGS, ["3.12"])
    assert "\n# platform: linux-x86_64, linux-aarch64, macos-aarch64, macos-x86_64\n" in text
    pins = [line.removesuffix(" \\") for line in text.splitlines() if line[0] not in "# "]
    assert pins == [
        "alpha==1.0",
        "bridge==1.0 ; python_full_version < '3.13' and sys_platform == 'darwin'",
        "driver==1.0 ; python_full_version < '3.13' and sys_platform == 'linux'",
        "gamma==1.0",
    ]


def test_a_package_without_wheels_for_pypy_is_locked_for_macos(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pyarrow, which mlflow requires beside what asks for another package on PyPy."""
    requires = ("arrow", "bridge; platform_python_implementation != 'PyPy' and sys_platform == 'linux'")
    platforms = (
        "manylinux_2_17_x86_64",
        "manylinux_2_17_aarch64",
        "macosx_11_0_arm64",
        "macosx_11_0_x86_64",
    )
    arrows = [making.wheel(tmp_path, "arrow", "1.0", tag=f"cp312-cp312-{platform}") for platform in platforms]
    others = [making.wheel(tmp_path, "gamma", "1.0", requires), making.wheel(tmp_path, "bridge", "1.0")]
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", *arrows, *others))
    text = locking.make(making.model(tmp_path / "model", "gamma\n"), SETTINGS, ["3.12"])
    assert "\n# platform: linux-x86_64, linux-aarch64, macos-aarch64, macos-x86_64\n" in text
    assert "PyPy" not in text
    assert "CPython" not in text


def test_package_without_wheels_for_macos_is_named_and_locked_for_pods(
    tmp_path: Path, index: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    arm = making.wheel(tmp_path, "gamma", "1.0", tag="py3-none-macosx_11_0_arm64")
    pods = [
        making.wheel(tmp_path, name, "1.0", tag=f"py3-none-manylinux_2_17_{machine}")
        for name in ("gamma", "delta")
        for machine in ("x86_64", "aarch64")
    ]
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", arm, *pods))
    text = locking.make(making.model(tmp_path / "some", "gamma\n"), SETTINGS, ["3.12"])
    assert "\n# platform: linux-x86_64, linux-aarch64, macos-aarch64\n" in text
    said = caplog.messages.pop()
    assert said.startswith("the lock is not for a local run on macos-x86_64: the model's requirements cannot")
    assert "gamma" in said
    assert said.endswith("run the model on Linux, in the devcontainer or in the image")
    text = locking.make(making.model(tmp_path / "none", "delta\n"), SETTINGS, ["3.12"])
    assert "\n# platform: linux-x86_64, linux-aarch64\n" in text
    assert "\ndelta==1.0 \\\n" in text
    said = caplog.messages.pop()
    assert re.match(r"the lock is (not )?for .* macos?.*\bdelta\b", said, re.IGNORECASE)


def test_another_version_than_the_pods_is_not_locked_for_macos(
    tmp_path: Path, index: str, distributions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    requires = ("alpha<2; sys_platform == 'linux'", "alpha>=2; sys_platform == 'darwin'")
    gamma = making.wheel(tmp_path, "gamma", "1.0", requires)
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", *distributions, gamma))
    text = locking.make(making.model(tmp_path / "model", "gamma\n"), SETTINGS, ["3.12"])
    assert "\n# platform: linux-x86_64, linux-aarch64\n" in text
    assert "alpha==2.0" not in text


def test_python_without_wheels_is_not_covered(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [making.wheel(tmp_path, "gamma", "1.0", tag=f"cp3{minor}-none-any") for minor in (12, 13)]
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", *both))
    text = locking.make(making.model(tmp_path / "model", "gamma\n", python="3.9.1"), SETTINGS)
    assert "\n# python: 3.12, 3.13\n# python left out: 3.9, 3.11, 3.14, 3.15\n# platform: " in text


def test_python_of_a_model_that_no_image_of_ours_holds_is_covered(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gamma = making.wheel(tmp_path, "gamma", "1.0", tag="cp39-none-any")
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", gamma))
    text = locking.make(making.model(tmp_path / "model", "gamma\n", python="3.9.1"), SETTINGS)
    assert "\n# python: 3.9\n# python left out: 3.11, 3.12, 3.13, 3.14, 3.15\n" in text


def test_range_of_pythons_that_no_image_of_ours_holds_is_covered(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", text=making.NATIVE.replace(", python_version: PYTHON", ""))
    (model / "conda.yaml").write_text("dependencies: ['python>=3.9,<3.11', pip: [alpha]]\n")
    assert "\n# python: 3.9, 3.10, 3.11, 3.12, 3.13, 3.14, 3.15\n" in locking.make(model, SETTINGS)


def test_requirements_that_resolve_for_no_newer_python(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As pandas 2.1.4 asks for a newer numpy from 3.12 on.
    frames = making.wheel(
        tmp_path,
        "frames",
        "2.0",
        ["numbers>=1.25,<2; python_version < '3.12'", "numbers>=1.26,<2; python_version >= '3.12'"],
    )
    numbers = [making.wheel(tmp_path, "numbers", version) for version in ("1.25", "1.26")]
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", frames, *numbers))
    model = making.model(tmp_path / "model", "frames\nnumbers==1.25\n", python="3.11.7")
    text = locking.make(model, SETTINGS)
    assert "\n# python: 3.11\n# python left out: 3.12, 3.13, 3.14, 3.15\n" in text
    assert "\nnumbers==1.25 \\\n" in text


def test_each_python_gets_the_version_that_it_can_have(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gamma = [
        making.wheel(tmp_path, "gamma", version, tag=f"cp3{minor}-none-any")
        for version, minors in (("1.0", (11, 12)), ("2.0", (13,)))
        for minor in minors
    ]
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", *gamma))
    text = locking.make(making.model(tmp_path / "model", "gamma\n", python="3.12.1"), SETTINGS)
    assert "\n# python: 3.11, 3.12, 3.13\n# python left out: 3.14, 3.15\n" in text
    assert "\ngamma==1.0 ; python_full_version < '3.13' \\\n" in text
    assert "\ngamma==2.0 ; python_full_version == '3.13.*' " in text


@pytest.mark.long
@pytest.mark.parametrize(
    ("requirements", "python", "covered"),
    [
        (
            "pandas==2.1.4\nnumpy==1.25.2\n",
            "3.11.7",
            "# python: 3.11\n# python left out: 3.12, 3.13, 3.14, 3.15\n",
        ),
        ("tensorflow-cpu==2.21.0\n", "3.13.0", "# python: 3.11, 3.12, 3.13\n# python left out: 3.14, 3.15\n"),
    ],
)
def test_real_requirements_that_newer_pythons_have_no_wheels_for(
    tmp_path: Path, requirements: str, python: str, covered: str
) -> None:
    text = locking.make(making.model(tmp_path / "model", requirements, python=python), SETTINGS)
    assert f"\n{covered}" in text
    assert f"\n{requirements.partition(chr(10))[0]} \\\n" in text


def test_python_that_the_model_gets_cannot_be_covered(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gamma = making.wheel(tmp_path, "gamma", "1.0", tag="cp313-none-any")
    monkeypatch.setenv("UV_DEFAULT_INDEX", making.index(tmp_path / "other", gamma))
    with pytest.raises(UnresolvableRequirements) as raised:
        locking.make(making.model(tmp_path / "model", "gamma\n", python="3.12.1"), SETTINGS)
    assert str(raised.value).startswith(
        "the model's requirements cannot be installed for Python 3.12 on linux-x86_64: No solution found"
    )
    assert "\nat fault: requirements.txt, line 1: gamma\n" in str(raised.value)


@pytest.mark.parametrize("listed", ["{}\n", "-c limits.txt\nfoo\n"])
@pytest.mark.parametrize(
    "address", ["https://user:s3cret@host", "https://s3cret@host", "ssh://git:s3cret@host"]
)
def test_credentials_are_not_written_into_a_lock(tmp_path: Path, listed: str, address: str) -> None:
    requirement = f"foo @ {address}/foo-1.0-py3-none-any.whl"
    model = making.model(tmp_path / "model", listed.format(requirement))
    (model / "limits.txt").write_text(requirement)
    with pytest.raises(BadRequirements) as raised:
        locking.make(model, SETTINGS)
    where = "limits" if "limits" in listed else "requirements"
    scheme = address.partition(":")[0]
    assert str(raised.value) == (
        f"{where}.txt, line 1: foo @ {scheme}://***@host/foo-1.0-py3-none-any.whl: its URL holds credentials, which "
        "the lock would show; list foo==version, put the credentials into the index settings of the environment "
        "(UV_INDEX, from a secret) and log the model again"
    )


@pytest.mark.parametrize("address", ["https://${USER}:${TOKEN}@127.0.0.1:1", "ssh://git@127.0.0.1:1"])
def test_names_of_credentials_are_no_credentials(tmp_path: Path, address: str) -> None:
    model = making.model(tmp_path / "model", f"foo @ {address}/foo-1.0-py3-none-any.whl\n")
    with pytest.raises(UnresolvableRequirements):
        locking.make(model, EnvironmentSettings(offline=True), ["3.12"])
