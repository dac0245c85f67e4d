"""This machine: programs, Pythons, disk and ports. Whatever .venv brings is imported by the looks that need it alone."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gitops.doctor.part import Part
from gitops.errors import DoctorFailed, GitopsError
from gitops.local import ports

ENVIRONMENT = ".venv"
# `git rev-parse --end-of-options` is of 2.24; what Make lacks before 3.81 is `origin` and order-only prerequisites.
_GIT, _MAKE = (2, 24), (3, 81)
_VERSION = re.compile(r"(\d+)\.(\d+)[\w.]*")
# What .venv, the tools with Go's caches, and the environments of the examples take, in GiB, and some room.
_GIB = 6
# What only some commands need: the program, and the first of them.
_OTHERS = {"gh": "make up", "kubectl": "make up", "docker": "make image", "cosign": "make image-verify"}


def parts(root: Path, environ: Mapping[str, str] = os.environ) -> tuple[Part, ...]:
    """Return what a person needs to work in the clone ``root``."""
    port = environ.get("PORT", "8080")
    return (
        Part("system", _system, "use a Linux machine, WSL 2 or .devcontainer", otherwise="warning"),
        Part("git", lambda: _version("git", _GIT), "install git by the system's packages"),
        Part("make", lambda: _version("make", _MAKE), "install GNU Make by the system's packages"),
        Part(
            "curl",
            lambda: _version("curl", (0, 0)),
            "install it, to ask models by docs/quickstart.md",
            otherwise="warning",
        ),
        Part("Python", _python, "install Python 3.11 or newer by the system's packages"),
        Part(
            "disk",
            lambda: _disk(root),
            "make room; `make clean` removes what was made here",
            otherwise="warning",
        ),
        Part(
            f"port {port}",
            lambda: _port(port),
            "choose another port, as in `make demo PORT=8081`",
            otherwise="warning",
        ),
        Part("other programs", _others, "install what you need of them"),
        Part(
            ENVIRONMENT,
            lambda: _environment(root),
            "`make lint`, or any other target that needs it, makes it from uv.lock; it asks the package index",
            otherwise="warning",
        ),
        Part("tools", _tools, "`make lint` brings the Go that builds them", otherwise="warning"),
        Part(
            "models' Pythons",
            lambda: _pythons(root),
            "any other way to install it will do (docs/environments.md); without it a model runs on the nearest one",
            otherwise="warning",
        ),
    )


def _system() -> str:
    found = f"{platform.system()} {platform.machine()}"
    if platform.system() not in ("Linux", "Darwin"):
        raise DoctorFailed(f"{found}: must be Linux or macOS")
    return f"{found}, {os.cpu_count()} CPUs"


def _version(program: str, least: tuple[int, int]) -> str:
    """Return the version of a program, without which it is no good before ``least``."""
    if shutil.which(program) is None:
        raise DoctorFailed(f"{program}: no such command")
    done = subprocess.run(
        [program, "--version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    line = done.stdout.partition("\n")[0]
    found = _VERSION.search(line)
    if done.returncode != 0 or found is None:
        raise DoctorFailed(f"`{program} --version` says {line or done.stderr.strip() or 'nothing'!r}")
    if (int(found[1]), int(found[2])) < least:
        raise DoctorFailed(f"is {found[0]}: {'.'.join(map(str, least))} or newer is needed")
    return found[0]


def _python() -> str:
    # An older one has been refused by tools/bootstrap.sh.
    return f"{platform.python_version()} ({sys.executable})"


def _disk(root: Path) -> str:
    free = shutil.disk_usage(root).free / 2**30
    if free < _GIB:
        raise DoctorFailed(f"{free:.1f} GiB are free where the clone is, and {_GIB} are needed in time")
    return f"{free:.0f} GiB are free"


def _port(text: str) -> str:
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise DoctorFailed(f"PORT {text!r}: must be a number from 1 to 65535")
    try:
        ports.bind(int(text)).close()
    except GitopsError as error:
        # Its fix is that of one port, and here is the person's own.
        raise DoctorFailed(str(error).partition(":")[0].partition(";")[0]) from error
    return f"is free on {ports.HOST}, for `make demo`"


def _others() -> str:
    there = [name for name in _OTHERS if shutil.which(name)]
    absent = [f"{name} (`{target}` needs it)" for name, target in _OTHERS.items() if name not in there]
    listed = ", ".join(there) or "none"
    return f"{listed}; not here: {', '.join(absent)}" if absent else listed


def _environment(root: Path) -> str:
    folder = root / ENVIRONMENT
    if not (folder / "bin" / "python").exists():
        raise DoctorFailed("is not there yet")
    made = [file.stat().st_mtime for file in folder.glob(".synced-*")]
    newest = max((root / name).stat().st_mtime for name in ("pyproject.toml", "uv.lock"))
    if max(made, default=0.0) < newest:
        raise DoctorFailed("is older than uv.lock")
    return "is as uv.lock says"


def _tools() -> str:
    from gitops import tools

    names = tools.names()
    absent = [name for name in names if not tools.is_built(name)]
    built = ", ".join(name for name in names if name not in absent) or "none"
    later = f"; {', '.join(absent)} will be when first needed, one to two minutes each" if absent else ""
    return f"{built} built{later}"


def _pythons(root: Path) -> str:
    from gitops.doctor import pythons

    return pythons.look(root)
