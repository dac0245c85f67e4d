"""Installing one model's list of requirements: trying whether it resolves, making the environment, its record."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from server.environment import bytecode, resolver, uv
from server.environment.interpreters import Interpreter
from server.environment.requirements import Requirements
from server.environment.uv import Uv, UvError

log = logging.getLogger(__name__)

RECORD = "environment.json"


@dataclass(frozen=True)
class Installer:
    """uv with one model's requirements: ``scratch`` is for its files, ``wheels`` are the model's, by name.

    ``wanted`` is the Python that the model asks for, or None. ``locked`` is the digest of the model whose lock the
    requirements are, or "". ``bytecode`` is the folder that keeps compiled modules, or None.
    """

    uv: Uv
    listed: Requirements
    scratch: Path
    wheels: dict[str, str]
    source_distributions: bool
    wanted: str | None = None
    locked: str = ""
    bytecode: Path | None = None

    def key(self, python: Interpreter) -> str:
        """Return the key of the environment for ``python``: a hash of all that it is made of."""
        local = {
            entry.path: _sha256(self.uv.folder / entry.path) for entry in self.listed.entries if entry.path
        }
        content = [
            [self.listed.text, self.listed.constraints_text, self.listed.flags],
            [self.wheels, local],
            [str(python), str(python.path.resolve()), python.platform],
            [self.source_distributions, bool(self.locked), self.uv.strategy],
            # A lock says what is installed to the bit, wherever it comes from.
            {} if self.locked else self.uv.sources,
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    def resolve(self, python: Interpreter) -> None:
        """Find out whether the requirements can be installed for ``python``.

        Raises:
            UnresolvableRequirements: they cannot.
        """
        self._run(
            python,
            "pip",
            "install",
            "--dry-run",
            "--target",
            str(self.scratch / "none"),
            *self._lists(python.path),
        )

    def install(self, python: Interpreter, target: Path) -> None:
        """Make an environment of ``python`` with the requirements, and its record, in the folder ``target``.

        It can be moved, and its modules are compiled.

        Raises:
            UnresolvableRequirements: they cannot be installed.
        """
        started = time.monotonic()
        log.info("installing %d requirements for Python %s", len(self.listed.entries), python)
        self._run(python, "venv", "--no-project", "--relocatable", "--python", str(python.path), str(target))
        self._run(python, "pip", "install", *self._lists(target / "bin" / "python"))
        bytecode.compile_modules(target, python.cache_tag, self.bytecode)
        record = self._record(python, target)
        (target / RECORD).write_text(json.dumps(record, indent=2) + "\n")
        log.info("installed %d packages in %.1f s", len(record["packages"]), time.monotonic() - started)

    def made(self, environment: Path) -> Interpreter | None:
        """Return the interpreter of an environment if it was made for just this, else None."""
        try:
            record = json.loads((environment / RECORD).read_text())
            version = tuple(int(part) for part in record["python"].split("."))
            python = Interpreter(
                (version[0], version[1], version[2]), Path(record["interpreter"]), record["platform"]
            )
        except (OSError, ValueError, LookupError):
            return None  # Absent, or made by another version of the server.
        same = record["wanted"] == self.wanted and record["key"] == self.key(python)
        return python if same and python.path.exists() else None

    def _record(self, python: Interpreter, target: Path) -> dict[str, Any]:
        # Read from the file: running the environment's interpreter would execute the packages' .pth files.
        installed = metadata.distributions(
            path=[str(path) for path in target.glob("lib/python*/site-packages")]
        )
        added = (*self.listed.entries, *self.listed.constraints)
        return {
            "key": self.key(python),
            "python": str(python),
            "wanted": self.wanted,
            "interpreter": str(python.path),
            "platform": python.platform,
            "requirements": [entry.shown for entry in self.listed.entries if not entry.added],
            "added": {entry.shown: entry.origin for entry in added if entry.added},
            "locked": self.locked or None,
            "packages": dict(sorted((canonicalize_name(one.name), one.version) for one in installed)),
            "uv": uv.VERSION,
        }

    def _lists(self, python: Path) -> list[str]:
        """Write the lists for uv, and return the arguments that hand them over."""
        arguments = ["--python", str(python), *self.listed.flags]
        for option, text in (
            ("--requirement", self.listed.text),
            ("--constraint", self.listed.constraints_text),
        ):
            if text:
                path = self.scratch / f"{option.lstrip('-')}.txt"
                path.write_text(text)
                arguments += [option, str(path)]
        if not self.source_distributions:
            arguments.append("--no-build")
        if self.locked and "--require-hashes" not in arguments:
            arguments.append("--require-hashes")
        return arguments

    def _run(self, python: Interpreter, *arguments: str) -> None:
        try:
            self.uv.run("--quiet", *arguments)
        except UvError as error:
            raise resolver.unresolvable(error, self.listed, str(python)) from error


def _sha256(path: Path) -> str | None:
    """Return the hash of a file that a requirement names; None where it is missing, which uv will say."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
