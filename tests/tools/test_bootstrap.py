"""tools/bootstrap.sh on machines of different kinds, made up by PATH and by what Python can import."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uv

from server.environment import interpreters
from tests import pythons

ROOT = Path(__file__).parents[2]
VERSION = (ROOT / "tools" / "bootstrap.txt").read_text().partition("uv==")[2].split()[0]


# Of Debian and Ubuntu sh is dash, of macOS bash, of Alpine busybox.
SHELLS = {"sh": ["/bin/sh"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}


@dataclass
class Machine:
    """A copy of what the script reads, and a PATH with nothing on it but what a test puts there."""

    root: Path
    shell: list[str]
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

    def old_python(self, version: str) -> None:
        """Let python3 be this one, which says that it is of an older ``version``."""
        parts = tuple(int(part) for part in version.split("."))
        pretence = (
            f"import platform, sys; sys.version_info = {parts}; platform.python_version = lambda: '{version}'"
        )
        self.script("python3", f'exec {sys.executable} -c "{pretence}; exec(sys.argv[1])" "$2"')

    def say_system(self, system: str) -> None:
        """Let uname say that the machine is of another operating system."""
        if self.shell[1:] == ["sh"]:
            pytest.skip("busybox may have a uname of its own")
        self.script("uname", f"echo {system}")

    def start(self, *arguments: str, stdin: int, stderr: int) -> subprocess.Popen[bytes]:
        environ = {**self.environ, "PATH": str(self.root / "bin")}
        return subprocess.Popen(
            [*self.shell, "tools/bootstrap.sh", *arguments],
            cwd=self.root,
            env=environ,
            stdin=stdin,
            stderr=stderr,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.shell, "tools/bootstrap.sh", *arguments],
            cwd=self.root,
            env={**self.environ, "PATH": str(self.root / "bin")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def make_machine(root: Path, shell: str) -> Machine:
    program, *arguments = SHELLS[shell]
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"this machine has no {program}")
    (root / "bin").mkdir()
    (root / "tools").mkdir()
    for name in ("pyproject.toml", "tools/bootstrap.txt"):
        shutil.copy(ROOT / name, root / name)
    # The folders of Homebrew and python.org are below this one: the machine that tests may have such Pythons.
    text = (ROOT / "tools/bootstrap.sh").read_text()
    for pattern in interpreters.INSTALLERS:
        text = text.replace(f" /{pattern}", f" {root}/{pattern}")
    (root / "tools/bootstrap.sh").write_text(text)
    made = Machine(root, [found, *arguments])
    made.link("rm", shutil.which("rm") or "/bin/rm")
    return made


@pytest.fixture(params=SHELLS)
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    return make_machine(tmp_path, request.param)


@pytest.fixture
def online(tmp_path: Path) -> Machine:
    """A machine that has this one's settings of pip."""
    made = make_machine(tmp_path, "sh")
    made.environ = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
    return made


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


# Make gives an empty one where there is none.
@pytest.mark.parametrize("downloads", ["", "automatic", "never"])
def test_a_uv_that_is_there_is_taken(machine: Machine, downloads: str) -> None:
    machine.link("uv", uv.find_uv_bin())
    machine.environ = {"UV_PYTHON_DOWNLOADS": downloads}
    done = machine.run("cache", "dir")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (machine.root / ".cache").exists()


def test_a_uv_that_is_too_old_is_not_taken(machine: Machine) -> None:
    machine.script("uv", 'echo "error: Required uv version does not match" >&2; exit 2')
    assert "Python 3.11" in machine.run("--version").stderr


@pytest.mark.parametrize("system", ["MINGW64_NT-10.0-26100", "MSYS_NT-10.0-26100", "CYGWIN_NT-10.0"])
def test_windows_is_told_of_wsl(machine: Machine, system: str) -> None:
    machine.link("uv", uv.find_uv_bin())
    machine.say_system(system)
    done = machine.run("--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert "open the clone in WSL" in done.stderr


@pytest.mark.parametrize("system", ["Linux", "Darwin"])
def test_linux_and_macos_are_not(machine: Machine, system: str) -> None:
    machine.link("uv", uv.find_uv_bin())
    machine.say_system(system)
    done = machine.run("--version")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_machine_without_python_is_told(machine: Machine) -> None:
    done = machine.run("--version")
    assert done.returncode == 1
    assert done.stderr == (
        "No Python 3.11 or newer is here (found: none).\n"
        "Install one, for instance with your system's package manager, and run make again.\n"
    )


def test_a_python_that_is_too_old_is_told(machine: Machine) -> None:
    machine.old_python("3.7.9")
    for arguments in (["--version"], ["--python", "-m", "gitops"]):
        done = machine.run(*arguments)
        assert done.returncode == 1
        assert done.stderr == (
            "No Python 3.11 or newer is here (found: Python 3.7.9).\n"
            "Install one, for instance with your system's package manager, and run make again.\n"
        )


@pytest.mark.parametrize(
    "place",
    [
        "home/.pyenv/versions/3.11.7/bin",
        "home/.asdf/installs/python/3.11.7/bin",
        "home/.local/share/mise/installs/python/3.11.7/bin",
        "a conda/envs/models/bin",
        "opt/homebrew/opt/python@3.12/bin",
        "Library/Frameworks/Python.framework/Versions/3.12/bin",
    ],
)
def test_a_python_that_is_not_on_the_path_is_found(machine: Machine, place: str) -> None:
    machine.old_python("3.9.6")
    # That of a version manager where no Python is chosen.
    machine.script("python3.11", "exit 127")
    folder, home = machine.root / place, machine.root / "home"
    (home / ".conda").mkdir(parents=True)
    (home / ".conda" / "environments.txt").write_text(f"/gone\n{machine.root}/a conda/envs/models")
    folder.mkdir(parents=True)
    (folder / "python3").symlink_to(sys.executable)
    machine.environ = {"HOME": str(home)}
    done = machine.run("--python", "-c", "print('runs')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "runs\n", "")


def test_installers_folders_are_those_that_models_pythons_are_searched_in() -> None:
    text = (ROOT / "tools" / "bootstrap.sh").read_text()
    assert [pattern for pattern in interpreters.INSTALLERS if f" /{pattern}" not in text] == []


@pytest.fixture
def without_new(machine: Machine) -> Machine:
    """A machine with an old Python, and with a uv that finds none that will do, and writes down what it is to bring."""
    machine.old_python("3.9.6")
    machine.script(
        "uv",
        'case "$1 $2" in "cache dir") ;; "python find") exit 2 ;; *) echo "$UV_PYTHON_DOWNLOADS: $*" >>uv.log ;; esac',
    )
    return machine


def test_what_uv_does_not_take_is_told_in_its_words(machine: Machine) -> None:
    machine.link("python3", sys.executable)
    machine.script(
        "uv",
        'case "$1 $2" in "cache dir") ;; *) echo "error: No interpreter found in managed installations" >&2; exit 2 ;; esac',
    )
    done = machine.run("sync", "--locked")
    assert done.returncode == 1
    assert "No interpreter found in managed installations" in done.stderr
    assert "see UV_PYTHON_PREFERENCE" in done.stderr


REFUSED = (
    "No Python 3.11 or newer is here (found: Python 3.9.6).\n"
    "Install one, for instance by `uv python install 3.12` or with your system's package manager, and run make again.\n"
)


@pytest.mark.parametrize("downloads", ["", "never", "manual"])
def test_without_a_terminal_no_python_is_downloaded(without_new: Machine, downloads: str) -> None:
    without_new.environ = {"UV_PYTHON_DOWNLOADS": downloads}
    done = without_new.run("sync", "--locked")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", REFUSED)
    assert not (without_new.root / "uv.log").exists()


@pytest.mark.parametrize("downloads", ["automatic", "auto", "true"])
def test_uv_downloads_one_where_its_setting_says_so(without_new: Machine, downloads: str) -> None:
    without_new.environ = {"UV_PYTHON_DOWNLOADS": downloads}
    assert without_new.run("sync", "--locked").returncode == 0
    assert (without_new.root / "uv.log").read_text() == BROUGHT


BROUGHT = "manual: python install --no-bin 3.12\nnever: sync --locked\n"


@pytest.mark.parametrize(
    ("downloads", "answer", "status", "log"),
    [
        ("", "y", 0, BROUGHT),
        ("", "", 1, None),
        ("", "n", 1, None),
        ("never", None, 1, None),
    ],
)
def test_on_a_terminal_it_asks(
    without_new: Machine, downloads: str, answer: str | None, status: int, log: str | None
) -> None:
    ours, theirs = pty.openpty()
    without_new.environ = {"UV_PYTHON_DOWNLOADS": downloads}
    with without_new.start("sync", "--locked", stdin=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = ""
        while True:
            try:
                said += os.read(ours, 4096).decode()
            except OSError:
                break  # Nobody has the terminal open any more.
            if answer is not None and said.endswith("[y/N] "):
                os.write(ours, f"{answer}\n".encode())
                answer = None
    os.close(ours)
    assert process.returncode == status, said
    assert answer is None
    asked = "(found: Python 3.9.6). Download one by `uv python install 3.12`? [y/N] "
    assert (asked in said) == (downloads != "never")
    file = without_new.root / "uv.log"
    assert (file.read_text() if file.exists() else None) == log


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
    # Where a person has pip install things.
    online.environ |= {"PIP_USER": "1", "PIP_PREFIX": str(online.root / "prefix")}
    online.environ |= {"PIP_REQUIRE_VIRTUALENV": "1"}
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


@pytest.mark.long
def test_uv_is_installed_by_a_python_that_is_too_old_for_the_rest(online: Machine) -> None:
    """Apple's Python is 3.9: uv runs there, and can bring another."""
    online.link("python3", pythons.needs("3.9"))
    online.environ["HOME"] = str(online.root)
    online.environ.pop("PYENV_ROOT", None)
    done = online.run("sync")
    assert done.returncode == 1
    assert "No Python 3.11 or newer is here (found: Python 3.9." in done.stderr
    assert "Install one, for instance by `.cache/uv/bin/uv python install 3.12` or " in done.stderr
