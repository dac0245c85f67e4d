"""tools/bootstrap.sh on machines of different kinds, made up by PATH and by what Python can import."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).parents[2]
VERSION = (ROOT / "tools" / "bootstrap.txt").read_text().partition("uv==")[2].split()[0]


@dataclass
class Machine:
    """A copy of what the script reads, and a PATH with nothing on it but what a test puts there."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def link(self, name: str, target: str | Path) -> None:
        (self.root / "bin" / name).symlink_to(target)

    def script(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def hide(self, module: str) -> None:
        """Let Python fail to import ``module``."""
        hidden = self.root / "hidden"
        hidden.mkdir(exist_ok=True)
        (hidden / f"{module}.py").write_text("raise ImportError")
        self.environ["PYTHONPATH"] = str(hidden)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "tools/bootstrap.sh", *arguments],
            cwd=self.root,
            env={**self.environ, "PATH": str(self.root / "bin")},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "bin").mkdir()
    (tmp_path / "tools").mkdir()
    for name in ("pyproject.toml", "tools/bootstrap.sh", "tools/bootstrap.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    made = Machine(tmp_path)
    made.link("rm", shutil.which("rm") or "/bin/rm")
    return made


@pytest.fixture
def online(machine: Machine) -> Machine:
    """A machine that has this one's settings of pip."""
    machine.environ = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    return machine


def test_the_pinned_uv_is_the_locked_one() -> None:
    exported = subprocess.run(
        [uv.find_uv_bin(), "export", "--quiet", "--locked", "--only-group", "bootstrap", "--no-header"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pinned = (ROOT / "tools" / "bootstrap.txt").read_text()
    lines = [line for line in pinned.splitlines() if not line.startswith("#")]
    assert lines == exported.splitlines(), "run `make lock`"


def test_a_uv_that_is_there_is_taken(machine: Machine) -> None:
    machine.link("uv", uv.find_uv_bin())
    done = machine.run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (machine.root / ".cache").exists()


def test_a_uv_that_is_too_old_is_not_taken(machine: Machine) -> None:
    machine.script("uv", 'echo "error: Required uv version does not match" >&2; exit 2')
    assert "Python 3.11" in machine.run("--version").stderr


@pytest.mark.parametrize("system", ["MINGW64_NT-10.0-26100", "MSYS_NT-10.0-26100", "CYGWIN_NT-10.0"])
def test_windows_is_told_of_wsl(machine: Machine, system: str) -> None:
    machine.link("uv", uv.find_uv_bin())
    machine.script("uname", f"echo {system}")
    done = machine.run("--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert "open the clone in WSL" in done.stderr


@pytest.mark.parametrize("system", ["Linux", "Darwin"])
def test_linux_and_macos_are_not(machine: Machine, system: str) -> None:
    machine.link("uv", uv.find_uv_bin())
    machine.script("uname", f"echo {system}")
    done = machine.run("--version")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_machine_without_python_is_told(machine: Machine) -> None:
    done = machine.run("--version")
    assert done.returncode == 1
    assert done.stderr == (
        "No Python 3.11 or newer on PATH (found: none).\n"
        "Install one, for instance with your system's package manager, and run make again.\n"
    )


def test_a_python_that_is_too_old_is_told(machine: Machine) -> None:
    pretence = (
        "import platform, sys; sys.version_info = (3, 10, 9); platform.python_version = lambda: '3.10.9'"
    )
    machine.script("python3", f'exec {sys.executable} -c "{pretence}; exec(sys.argv[1])" "$2"')
    done = machine.run("--version")
    assert done.returncode == 1
    assert done.stderr == (
        "No Python 3.11 or newer on PATH (found: Python 3.10.9).\n"
        "Install one, for instance with your system's package manager, and run make again.\n"
    )


def test_a_python_that_can_install_nothing_is_told(machine: Machine) -> None:
    machine.link("python3", sys.executable)
    machine.hide("ensurepip")
    machine.hide("pip")
    done = machine.run("--version")
    assert done.returncode == 1
    version = ".".join(str(part) for part in sys.version_info[:3])
    assert done.stderr == (
        f"Installing uv in .cache/uv with Python {version} (once)\n"
        f"uv cannot be installed: Python {version} comes with neither venv nor pip.\n"
        "Install one of them (Debian, Ubuntu: apt install python3-venv), or uv itself, and run make again.\n"
    )


@pytest.mark.long
@pytest.mark.parametrize("hidden", ["", "ensurepip"], ids=["venv", "pip"])
def test_uv_is_installed_by_the_python_that_is_there(online: Machine, hidden: str) -> None:
    base = Path(sys.base_prefix, "bin", "python3")
    online.link("python3.11", base)
    # Older pythons that stand first are passed over.
    online.script("python3", "exit 1")
    if hidden:
        online.hide(hidden)
    for _ in range(2):
        done = online.run("--version")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"uv {VERSION} ")
    assert done.stderr == ""
    assert (online.root / ".cache" / "uv" / "pyvenv.cfg").exists() == (hidden == "")


@pytest.mark.long
def test_another_uv_than_the_pinned_one_is_refused(online: Machine) -> None:
    online.link("python3", Path(sys.base_prefix, "bin", "python3"))
    pinned = online.root / "tools" / "bootstrap.txt"
    lines = pinned.read_text().splitlines()
    kept = [line.replace("sha256:", f"sha256:{'0' * 8}")[: len(line)] for line in lines]
    pinned.write_text("\n".join(kept) + "\n")
    done = online.run("--version")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
