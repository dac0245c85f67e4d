"""Calling uv: what it sees of the surroundings, and what it says when it fails.

Sources: https://docs.astral.sh/uv/reference/environment/ and https://pip.pypa.io/en/stable/topics/configuration/.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import uv

VERSION = version("uv")

# pip's variables, which uv does not read, and uv's that mean the same.
_PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_EXTRA_INDEX_URL",
    "PIP_CERT": "SSL_CERT_FILE",
}
# Other names of uv's own variables; one that is set is not overruled by pip's.
_OTHER_NAME = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_EXTRA_INDEX_URL": "UV_INDEX"}
# Variables that choose the indexes, and which versions on them count.
_SOURCES = (
    *("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_FIND_LINKS", "UV_NO_INDEX"),
    *("UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_RESOLUTION", "UV_FORK_STRATEGY", "UV_TORCH_BACKEND"),
    *("UV_NO_BINARY", "UV_NO_BINARY_PACKAGE", "UV_NO_BUILD_PACKAGE", "UV_NO_SOURCES"),
)
# What would move uv to another folder, interpreter or environment, change what is asked of it or wrap its lines.
_DROPPED = {
    "COLUMNS",
    "CONDA_PREFIX",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_BUILD_CONSTRAINT",
    "UV_COMPILE_BYTECODE",
    "UV_CONSTRAINT",
    "UV_EXCLUDE",
    "UV_NO_CONFIG",
    "UV_NO_VERIFY_HASHES",
    "UV_OVERRIDE",
    "UV_PROJECT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_WORKING_DIR",
    "VIRTUAL_ENV",
}
_LINUX = "sys_platform == 'linux'"
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class UvError(Exception):
    """uv ended with an error; its text is uv's explanation, without credentials and without warnings."""


@dataclass(frozen=True)
class Uv:
    """uv, called in ``folder``, to which relative paths in requirements are relative.

    ``project`` is a folder of our own that stands for the project. With it uv reads no pyproject.toml, uv.toml
    or .python-version in ``folder`` or above, but still the user's and the machine's uv.toml. ``index`` is the
    URL of an index that counts before all others, ``cache`` uv's cache folder where it is not to be uv's choice, ``strategy``
    how it chooses among several indexes where that is not to be uv's choice.
    """

    folder: Path
    project: Path
    index: str = ""
    cache: Path | None = None
    offline: bool = False
    strategy: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    # Found once: looking for it is not safe in several threads.
    program: str = field(default_factory=uv.find_uv_bin, repr=False)

    @property
    def sources(self) -> dict[str, str]:
        """What says which versions of packages there are to choose from, beside the model's own; without credentials."""
        found = surroundings(self.environ)
        return {name: redacted(found[name]) for name in _SOURCES if found.get(name)}

    def run(self, *arguments: str) -> str:
        """Run uv with ``arguments`` and return what it prints.

        Raises:
            UvError: uv did not end with 0.
        """
        options = ["--color", "never", "--no-progress", "--project", str(self.project)]
        options += ["--cache-dir", str(self.cache)] if self.cache else []
        options += ["--offline"] if self.offline else []
        done = subprocess.run(
            [self.program, *options, *arguments],
            cwd=self.folder,
            env=surroundings(self.environ, self.index, self.strategy),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise UvError(explanation(done.stderr) or f"uv ended with {done.returncode} and said nothing")
        return done.stdout


def project(folder: Path, platforms: Sequence[str], pythons: Sequence[str] = ()) -> Path:
    """Make ``folder`` a project whose universal resolutions are for these platforms and Pythons, and return it.

    Platforms are as in ``linux-x86_64`` and ``macos-aarch64``; those of Linux must have wheels. Pythons are minor versions, each
    of which is resolved by itself, or none for whatever is asked for. PyPy, which no model runs on, would need wheels too.

    Source: https://docs.astral.sh/uv/concepts/resolution/#limited-resolution-environments.
    """
    required = [
        f"sys_platform == 'linux' and platform_machine == '{platform.removeprefix('linux-')}'"
        for platform in platforms
        if platform.startswith("linux-")
    ]
    systems = dict.fromkeys(markers(platform)["sys_platform"] for platform in platforms)
    environments = [
        f"sys_platform == '{system}' and platform_python_implementation == 'CPython' "
        f"and python_full_version >= '{python}' and python_full_version < '{_next(python)}'"
        for system in systems
        for python in pythons
    ]
    (folder / "pyproject.toml").write_text(
        f"[tool.uv]\nenvironments = {json.dumps(environments or [_LINUX])}\n"
        f"required-environments = {json.dumps(required)}\n"
    )
    return folder


def markers(platform: str) -> dict[str, str]:
    """Return what conditions of requirements see on a platform such as ``linux-x86_64`` or ``macos-aarch64``."""
    system, _, machine = platform.partition("-")
    if system == "macos":
        return {
            "sys_platform": "darwin",
            "platform_machine": "arm64" if machine == "aarch64" else machine,
        }
    return {"sys_platform": system, "platform_machine": machine}


def _next(python: str) -> str:
    major, _, minor = python.partition(".")
    return f"{major}.{int(minor) + 1}"


def surroundings(environ: Mapping[str, str], index: str = "", strategy: str = "") -> dict[str, str]:
    """Return uv's environment variables: ``environ`` with pip's index settings under uv's names.

    Values are stripped: one that comes from a secret may end with a newline. An empty one, which uv refuses, is none. Nothing lets uv download a Python.
    """
    result = {
        name: value.strip() if name.startswith(("UV_", "PIP_")) else value
        for name, value in environ.items()
        if name not in _DROPPED and (value.strip() or not name.startswith("UV_"))
    }
    for pip, own in _PIP.items():
        if result.get(pip) and not result.get(own) and not result.get(_OTHER_NAME.get(own, own)):
            result[own] = result[pip]
    if index:
        result["UV_INDEX"] = f"{index} {result.get('UV_INDEX', '')}".strip()
    if strategy:
        result["UV_INDEX_STRATEGY"] = strategy
    return result | {"UV_PYTHON_DOWNLOADS": "never"}


def redacted(text: str) -> str:
    """Return ``text`` with the credentials of its URLs hidden."""
    return _CREDENTIALS.sub("***@", text)


def explanation(stderr: str) -> str:
    """Return uv's explanation in ``stderr`` without credentials, and without warnings and what belongs to them."""
    kept: list[str] = []
    warning = False
    for line in redacted(stderr).splitlines():
        if re.match(r"^\w+:", line):
            warning = line.startswith("warning:")
        if not warning and line.strip():
            kept.append(re.sub(r"^(error|\s*cause): ", "", line).rstrip())
    return "\n".join(kept)
