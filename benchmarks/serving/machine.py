"""What the measurement ran on, and what was measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tomllib
from pathlib import Path

from benchmarks.serving.environments import PEERS, ours, server
from benchmarks.serving.load import h2load
from benchmarks.serving.rows import ROOT
from gitops import tools
from server.operating_system import cpus

# The packages of each lock that make the difference.
_LOCKS = {
    "this server": (ROOT / "uv.lock", ("httptools", "uvloop", "orjson", "grpcio", "protobuf", "numpy")),
    "limit": (PEERS / "limit" / "uv.lock", ("uvicorn", "orjson", "numpy", "scikit-learn")),
    "stock wrapper": (tools.SELDON_CORE_PROJECT / "uv.lock", ("seldon-core", "numpy", "scikit-learn")),
    "MLServer": (PEERS / "mlserver" / "uv.lock", ("mlserver", "numpy", "scikit-learn")),
    "mlflow models serve": (PEERS / "mlflow" / "uv.lock", ("mlflow", "numpy", "scikit-learn")),
}


def machine() -> list[tuple[str, str]]:
    """Return names and values: processor, cores, memory, kernel and Pythons."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    pythons = [
        subprocess.run([each, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
        for each in (server(), ours() / "current" / "bin" / "python")
    ]
    return [
        ("processor", processor(Path("/proc/cpuinfo").read_text())),
        ("cores", str(cpus())),
        ("memory", f"{memory:.0f} GiB"),
        ("kernel", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Python of this server, as in its image", pythons[0]),
        ("Python of its model", pythons[1]),
        ("load generator", version([h2load(), "--version"])),
    ]


def packages() -> list[tuple[str, str]]:
    """Return the name of each server, and the versions that its lock pins."""
    found = []
    for name, (lock, wanted) in _LOCKS.items():
        pinned: dict[str, list[str]] = {}
        for package in tomllib.loads(lock.read_text())["package"]:
            pinned.setdefault(package["name"], []).append(package.get("version", ""))
        found.append(
            (name, ", ".join(f"{each} {' or '.join(pinned[each])}" for each in wanted if each in pinned))
        )
    return found


def commit() -> str:
    """Return the commit that was measured, and whether the code differs from it."""
    revision = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--", "server", "benchmarks", "uv.lock")
    return f"{revision}, changed since" if changed else revision


def processor(cpuinfo: str) -> str:
    """Return the model's name, which not every architecture has."""
    found = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    return found[1] if found else platform.machine()


def version(command: list[str]) -> str:
    """Return what a program says of its version."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _git(*arguments: str) -> str:
    return version(["git", "-C", str(ROOT), *arguments])
