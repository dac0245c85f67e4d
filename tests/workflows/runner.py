"""The machine that runs jobs: a user of its own with the programs of the system and one Python.

As root, the steps run as another user who cannot read root's files; else as the same one. Package caches are shared
between jobs, which costs GitHub's jobs some time and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import pythons

PYTHON = "3.12"  # of GitHub's ubuntu-24.04
# What its images have otherwise than this machine, or what the stand-ins are for.
_NOT_OF_THE_SYSTEM = re.compile(
    r"(python|pip|pypy|pydoc|idle|2to3|uv|uvx|docker|podman|skopeo|cosign|gh|go|gofmt|kind|kubectl|helm|trivy|syft)[\d.]*(-config)?"
)
_SYSTEM = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
# How this machine reaches the package registries.
_NETWORK = re.compile(
    r"(PIP|UV|GO(PROXY|NOSUMDB|SUMDB|FLAGS|PRIVATE|INSECURE)|(HTTPS?|NO|ALL)_PROXY|SSL_CERT|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|GIT_SSL_CAINFO)",
    re.IGNORECASE,
)
_OF_ONE_USER = re.compile(r"(UV|PIP)_.*(CACHE|PYTHON|PROJECT|TOOL|TARGET|USER|PREFIX).*")


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit status, None where its time was over, and all that it said."""

    status: int | None
    log: str


@dataclass
class Runner:
    """A runner whose files are in ``folder``, which every user can reach."""

    folder: Path
    user: int | None = None
    python: Path = field(init=False)

    def __post_init__(self) -> None:
        self.user = _free_user() if os.geteuid() == 0 else None
        self.folder.chmod(0o755)
        self.bin = self.folder / "bin"
        self.caches = self.mine(self.folder / "caches")
        self.bin.mkdir()
        for folder in _SYSTEM:
            for program in Path(folder).iterdir() if Path(folder).is_dir() else ():
                link = self.bin / program.name
                if not _NOT_OF_THE_SYSTEM.fullmatch(program.name) and not link.exists():
                    link.unlink(missing_ok=True)
                    link.symlink_to(program)
        self.python = self._python()
        # A virtual environment looks for the library beside the folder in which its Python was found.
        self.path = [str(self.bin)]
        if str(self.python.parent) in _SYSTEM:
            for name in {"python3", self.python.name}:
                (self.bin / name).symlink_to(self.python)
        else:
            self.path.insert(0, str(self.python.parent))

    def mine(self, path: Path) -> Path:
        """Make a folder, or take what is there, for the user of the steps; return it."""
        path.mkdir(parents=True, exist_ok=True)
        self.own(path)
        return path

    def own(self, path: Path) -> None:
        """Give ``path`` and all below it to the user of the steps, except what is linked from elsewhere."""
        if self.user is None:
            return
        os.chown(path, self.user, self.user)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                each = Path(folder, name)
                if each.is_symlink() or each.is_dir() or each.lstat().st_nlink == 1:
                    os.lchown(each, self.user, self.user)

    def environ(self, home: Path) -> dict[str, str]:
        """Return the variables that a program has without a word of a workflow."""
        network = {
            name: value
            for name, value in os.environ.items()
            if _NETWORK.match(name) and not _OF_ONE_USER.fullmatch(name)
        }
        return {
            **network,
            "HOME": str(home),
            "USER": "runner",
            "LOGNAME": "runner",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "UV_CACHE_DIR": str(self.caches / "uv"),
            "PIP_CACHE_DIR": str(self.caches / "pip"),
        }

    def execute(
        self,
        command: Sequence[str | Path],
        folder: Path,
        environ: Mapping[str, str],
        log: Path,
        seconds: float,
    ) -> Ended:
        """Run a program to its end or to that of its time, with all that it has started."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o022,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )
            try:
                status: int | None = process.wait(seconds)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                _end(process)
        return Ended(status, log.read_text(encoding="utf-8", errors="replace"))

    def _python(self) -> Path:
        uv = Path(sys.executable).with_name("uv")
        command: list[str | Path] = [uv, "python", "find", "--no-project", "--no-python-downloads", PYTHON]
        found = subprocess.run(command, env=pythons.environ(), capture_output=True, text=True, check=False)
        start = Path(found.stdout.strip()) if found.returncode == 0 else Path(sys.executable)
        ask = "import sys; print(sys.base_prefix, 'python%d.%d' % sys.version_info[:2], sep='\\n')"
        answer = subprocess.run([start, "-I", "-c", ask], capture_output=True, text=True, check=True).stdout
        prefix, name = answer.splitlines()
        python = Path(prefix, "bin", name)
        if self.user is None or _reachable(python):
            return python
        copy = self.folder / "python"
        ignored = shutil.ignore_patterns("test", "tests", "__pycache__", "idlelib", "site-packages")
        shutil.copytree(prefix, copy, symlinks=True, ignore=ignored)
        for program in (copy / "bin").iterdir():
            if not program.name.startswith("python"):
                program.unlink()  # pip and others begin with the path of the Python that they came with
        moved = copy / "bin" / name
        # A shared library of its own is looked for beside it from now on.
        known = f"{prefix}/lib\0".encode()
        moved.write_bytes(moved.read_bytes().replace(known, b"$ORIGIN/../lib".ljust(len(known), b"\0")))
        return moved


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_user() -> int:
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    return next(number for number in range(1001, 65000) if number not in taken)


def _reachable(path: Path) -> bool:
    """Return whether every user may read ``path``."""
    real = path.resolve()
    return all(each.stat().st_mode & 0o005 == 0o005 for each in (real, *real.parents))
