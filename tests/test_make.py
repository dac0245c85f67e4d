"""The commands of the Makefile, in a fresh clone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from tests import without_linux
from tests.programs import program

ROOT = Path(__file__).parents[1]


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV")
    }
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def test_make_lists_its_targets() -> None:
    done = make(ROOT)
    assert done.returncode == 0
    targets = re.findall(r"^make ([a-z0-9-]+) +\S", done.stdout, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert targets == phony[1].split()


def test_make_and_shell_use_nothing_that_macos_lacks() -> None:
    """Apple ships GNU Make 3.81, and BSD's tools: what came later, and what only GNU's tools take."""
    recipes = (ROOT / "Makefile").read_text()
    newer = r"^\.ONESHELL|^\.SHELLSTATUS|!=|::=|\$\((?:file|guile|let|intcmp) |^undefine|&:|^load "
    assert re.findall(newer, re.sub(r"\$\{.*?\}|'[^']*'|\"[^\"]*\"", "", recipes), re.MULTILINE) == []
    shell = recipes + "".join(path.read_text() for path in (ROOT / "tools").glob("*.sh"))
    gnus = (
        r"\bsed -i\b|\breadlink -f\b|\brealpath\b|\bsha256sum\b|\bgrep -\w*P|\bdate -d\b|\bstat -c\b|\bxargs -r\b|"
        r"\bcp --|\bmktemp --|\bsort -V\b|\btac\b|\bnproc\b|\btimeout [0-9]"
    )
    assert re.findall(gnus, shell) == []


# A folder is none either.
@pytest.mark.parametrize(("name", "meant"), [("promot", "promote"), ("tests", "test")])
def test_a_target_that_is_none_is_told_what_was_meant(name: str, meant: str) -> None:
    done = make(ROOT, name)
    assert done.returncode == 2
    assert f"error: there is no target {name!r}; did you mean `make {meant}`?\n" in done.stderr


def test_the_doctor_runs_before_there_is_an_environment() -> None:
    done = make(ROOT, "--silent", "doctor", "python=none")
    assert "this machine\n" in done.stdout
    assert re.search(r"^(nothing|\d+) missing, warnings: (none|\d+), parts: \d+$", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stderr


def test_the_notes_of_a_release_name_the_image_as_it_is_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "gh", 'printf "%s\\n" "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_REPOSITORY_OWNER", "Some-Team")
    done = make(ROOT, "--silent", "github-release", "TAG=v1.2.0", "IMAGE_DIGEST=sha256:1")
    assert done.returncode == 0, done.stderr
    *command, notes = done.stdout.splitlines()
    assert command == ["release", "create", "v1.2.0", "--verify-tag", "--generate-notes", "--notes"]
    assert notes == "The image is `ghcr.io/some-team/seldon-mlflow-server@sha256:1`."


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ([], []),
        (["NAMESPACE=iris"], ["--namespace", "iris"]),
        (["IMAGE=ghcr.io/a/b@sha256:1"], ["--image", "ghcr.io/a/b@sha256:1"]),
    ],
    ids=["names", "namespace", "image"],
)
def test_adopt_passes_on_what_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], options: list[str]
) -> None:
    monkeypatch.delenv("IMAGE", raising=False)
    program(tmp_path / "python", 'printf "%s\\n" "$@"')
    python = f"python={tmp_path}/python"
    done = make(ROOT, "--silent", "adopt", python, "OWNER=a", "REPO=b", "BUCKET=c", *given)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["-m", "gitops", "adopt", *options, "--", "a", "b", "c"]


@pytest.mark.parametrize(
    ("given", "without"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"no_proxy": ".corp, 10.0.0.0/8"}, ".corp, 10.0.0.0/8,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "*"}, "*"),
        ({"NO_PROXY": ".corp", "no_proxy": ".other"}, ".corp,127.0.0.1,localhost,::1"),
    ],
)
def test_what_runs_here_is_asked_without_a_proxy_and_imports_nothing_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], without: str
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    pythons = {"PYTHONPATH": "/opt/ros/lib", "PYTHONHOME": "/opt/python", "PYTHONSAFEPATH": "1"}
    for name, value in {**given, **pythons}.items():
        monkeypatch.setenv(name, value)
    program(tmp_path / "python", 'echo "$NO_PROXY $no_proxy ${PYTHONPATH-}${PYTHONHOME-}${PYTHONSAFEPATH-}"')
    done = make(ROOT, "--silent", "smoke", "environment=", f"python={tmp_path}/python")
    assert done.stdout == f"{without} {without} \n"


@pytest.mark.parametrize("given", [[], ["PORT=", "RUNTIME="]])
def test_an_empty_value_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str]
) -> None:
    for name in ("PORT", "RUNTIME"):
        monkeypatch.setenv(name, "")
    program(tmp_path / "python", 'echo "$@"')
    done = make(ROOT, "--silent", "demo", "environment=", f"python={tmp_path}/python", *given)
    assert done.stdout == "-m gitops demo --port 8080 --runtime server\n"


def test_a_switch_passes_its_value_on() -> None:
    # An option without the value would be on for MONITORING=0, too.
    text = (ROOT / "Makefile").read_text()
    assert re.findall(r"\$\$\{[A-Z_]+:\+--[a-z-]+\}", text) == []
    done = make(ROOT, "--silent", "demo", "MONITORING=maybe")
    assert done.returncode != 0
    assert (
        "error: MONITORING 'maybe': must be 1, yes, true to switch it on, or 0, no, false to switch it off\n"
        in done.stderr
    )


@pytest.mark.long
def test_a_fresh_clone_serves_what_is_expected_and_can_be_cleaned(tmp_path: Path) -> None:
    """Wherever it is: behind a symbolic link, below a name with spaces, in NFD, longer than the address of a Unix socket."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").symlink_to("disk")
    clone = tmp_path / "home" / unicodedata.normalize("NFD", f"Zoë's models, {'all of them, ' * 7}") / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    before = sorted(path.relative_to(clone) for path in clone.rglob("*") if ".git" not in path.parts)

    smoke = make(clone, "smoke")
    assert smoke.returncode == 0, smoke.stdout + smoke.stderr
    for overlay in ("model", "pipeline", "postprocessor", "preprocessor"):
        assert f"    ok  {overlay}: numbers, names and requestPath as expected\n" in smoke.stdout
    assert re.search(r"^4 of 4 overlays ok in \d+\.\d s$", smoke.stdout, re.MULTILINE)

    # What a second command would find: an environment that is up to date.
    assert make(clone, "--question", ".venv/.synced-dev").returncode == 0

    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""
    assert make(clone, "clean").returncode == 0
    assert before == sorted(path.relative_to(clone) for path in clone.rglob("*") if ".git" not in path.parts)


@pytest.mark.long
def test_smoke_needs_nothing_that_only_linux_has(tmp_path: Path) -> None:
    """All its processes lack those calls and /proc: the command, and what it starts to fetch, build and serve the models."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    (ROOT / ".cache/tools").mkdir(parents=True, exist_ok=True)
    (clone / ".cache").mkdir()
    (clone / ".cache/tools").symlink_to(ROOT / ".cache/tools")
    without_linux.hide(clone)
    smoke = make(clone, "smoke", "environment=", f"python={sys.executable}")
    assert smoke.returncode == 0, smoke.stdout + smoke.stderr
    assert re.search(r"^4 of 4 overlays ok in \d+\.\d s$", smoke.stdout, re.MULTILINE)
    assert "Traceback" not in smoke.stdout + smoke.stderr
