"""Calling uv: what it sees of the surroundings, and what it says when it fails.

Sources: https://docs.astral.sh/uv/reference/environment/ and https://pip.pypa.io/en/stable/topics/configuration/.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import uv

VERSION = version("uv")

# pip's variables, which uv does not read, and uv's that mean the same.
_PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_EXTRA_INDEX_URL",
    "PIP_NO_INDEX": "UV_NO_INDEX",
    "PIP_CERT": "SSL_CERT_FILE",
}
# Older names of uv's own variables; one that is set is not to be overruled by pip's.
_OLDER = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_EXTRA_INDEX_URL": "UV_INDEX"}
# What would move uv to another folder, interpreter or environment, or make it trust more than the lists say.
_DROPPED = {
    "CONDA_PREFIX",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_CONSTRAINT",
    "UV_NO_VERIFY_HASHES",
    "UV_OVERRIDE",
    "UV_PROJECT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_WORKING_DIR",
    "VIRTUAL_ENV",
}
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class UvError(Exception):
    """uv ended with an error; its text is uv's explanation, without credentials and without warnings."""


def run(arguments: list[str], *, folder: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Run uv with ``arguments`` in ``folder`` and return what it prints.

    Paths in requirements are relative to ``folder``. A pyproject.toml, uv.toml or .python-version in it is
    not read, nor in the folders above; a uv.toml of the user or of the machine is.

    Raises:
        UvError: uv did not end with 0.
    """
    done = subprocess.run(
        [
            uv.find_uv_bin(),
            "--color",
            "never",
            "--no-progress",
            *_configuration(environ),
            *arguments,
        ],
        cwd=folder,
        env=surroundings(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UvError(explanation(done.stderr) or f"uv ended with {done.returncode} and said nothing")
    return done.stdout


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return uv's environment variables: ``environ`` with pip's index settings under uv's names."""
    result = {name: value for name, value in environ.items() if name not in _DROPPED}
    for pip, own in _PIP.items():
        if environ.get(pip) and not environ.get(own) and not environ.get(_OLDER.get(own, own)):
            result[own] = environ[pip]
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


def _configuration(environ: Mapping[str, str]) -> list[str]:
    """Return the arguments that name the configuration file: given, or the user's, or the machine's, but never one of a folder."""
    if environ.get("UV_CONFIG_FILE"):
        return []
    home = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "/", ".config"))
    for path in (home / "uv" / "uv.toml", Path("/etc/uv/uv.toml")):
        if path.is_file():
            return ["--config-file", str(path)]
    return ["--no-config"]
