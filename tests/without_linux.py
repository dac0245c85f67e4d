"""The two packages as they find themselves where Python lacks what only Linux has, where there is no /proc, and macOS says no.

Every process that imports one of them is meant: commands, the server's processes and the model's.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

PACKAGES = ("server", "gitops")
CALLS = """
import os
import resource
import socket
import time

for owner, names in (
    (os, ("sched_getaffinity", "waitid", "ST_NOEXEC", "memfd_create", "pidfd_open")),
    (resource, ("prlimit", "RLIMIT_MSGQUEUE")),
    (socket, ("MSG_CMSG_CLOEXEC",)),
    (time, ("CLOCK_BOOTTIME",)),
):
    for name in names:
        vars(owner).pop(name, None)

# macOS sends nothing to a group whose processes have all ended, and has more descriptors for nobody than its kernel's limit.
def killpg(group, number, killpg=os.killpg):
    states = set()
    for folder in os.listdir("/proc"):
        try:
            fields = open(f"/proc/{folder}/stat").read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == (group or os.getpgrp()):
            states.add(fields[0])
    if states == {"Z"}:
        raise PermissionError(1, "Operation not permitted")
    killpg(group, number)


def getrlimit(kind, getrlimit=resource.getrlimit):
    soft, hard = getrlimit(kind)
    return (min(soft, 10240), 2**63 - 1) if kind == resource.RLIMIT_NOFILE else (soft, hard)


def setrlimit(kind, limits, getrlimit=resource.getrlimit, setrlimit=resource.setrlimit):
    if kind == resource.RLIMIT_NOFILE:
        if limits[0] > 10240:
            raise ValueError("current limit exceeds maximum limit")
        limits = limits[0], getrlimit(kind)[1]
    setrlimit(kind, limits)


if not hasattr(os, "of_macos"):
    os.of_macos = True
    os.killpg, resource.getrlimit, resource.setrlimit = killpg, getrlimit, setrlimit
    resource.RLIM_INFINITY = 2**63 - 1
"""
# What the source says, and what it says in the copy.
TEXTS = {'"/proc': '"/no/proc', '"proc/': '"no/proc/', '"sys/': '"no/sys/', '"prctl"': '"no_prctl"'}


def hide(folder: Path, packages: Iterable[str] = PACKAGES) -> None:
    """Hide in the packages of ``folder`` what only Linux has; their sources are written again.

    Raises:
        AssertionError: a text that should be hidden is in none of them any more.
    """
    missing = set(TEXTS)
    for source in (file for package in packages for file in (folder / package).rglob("*.py")):
        text = source.read_text(encoding="utf-8")
        for said, hidden in TEXTS.items():
            if said in text:
                missing.discard(said)
                text = text.replace(said, hidden)
        source.write_text(text, encoding="utf-8")
    assert not missing, f"{missing}: nothing says so any more"
    for package in packages:
        with (folder / package / "__init__.py").open("a", encoding="utf-8") as stream:
            stream.write(CALLS)


def copy(root: Path, folder: Path) -> Path:
    """Copy the server's package into ``folder``, hide in the copy what only Linux has, and return ``folder``."""
    shutil.copytree(root / "server", folder / "server", ignore=shutil.ignore_patterns("__pycache__"))
    hide(folder, ["server"])
    return folder
