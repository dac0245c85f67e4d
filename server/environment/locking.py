"""The verb ``lock``: a requirements.lock for a model, for the image's Pythons and platforms.

Source: https://docs.astral.sh/uv/concepts/resolution/#universal-resolution.
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server import mlmodel
from server.environment import failure, interpreters, lock, specification, wheels
from server.environment.requirements import Requirements
from server.environment.uv import Uv, UvError, project
from server.errors import BadRequirements, UnresolvableRequirements
from server.settings import EnvironmentSettings

log = logging.getLogger(__name__)

# What the image holds, and the machines that it is built for.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("linux-x86_64", "linux-aarch64")
# What uv puts in from the environment, and would write into a lock as it stands.
_VARIABLE = re.compile(r"\$\{\w+\}")
# In a URL; the user of an SSH address alone is no secret.
_CREDENTIALS = re.compile(r"(?<!ssh)://:*[^/@\s:][^/@\s]*@|://[^/@\s:]*:[^/@\s]+@")


def make(model: Path, settings: EnvironmentSettings, pythons: Sequence[str] = PYTHONS) -> str:
    """Return the requirements.lock of the model in ``model``, for these minor versions of Python.

    It covers the platforms on which the requirements resolve for the Python that the model gets, and the
    Pythons for which they resolve on all these platforms; a warning tells what it does not cover.

    Raises:
        NotAModel: ``model`` holds no MLmodel file.
        BadRequirements: its requirements cannot be read, or hold credentials.
        UnresolvableRequirements: they do not resolve.
    """
    asked = specification.read(mlmodel.read(model))
    asked.check(settings)
    _check_credentials(asked.requirements)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        index = wheels.index(model, wheels.hashes(model), scratch / "index")
        uv = Uv(model, project(scratch, list(PLATFORMS)), index, offline=settings.offline)
        resolver = Resolver(uv, asked.requirements, scratch, settings)
        covered, platforms = _targets(resolver, asked.python, pythons)
        text = resolver.universal(covered[0], platforms)
        for python in covered:
            for platform in platforms:
                resolver.resolve(python, platform, text)
    return lock.header(lock.digest(model), covered, platforms) + text


def _check_credentials(listed: Requirements) -> None:
    """Refuse URLs with credentials: the lock would hold them, and it is kept in git."""
    for entry in (*listed.entries, *listed.constraints):
        if _CREDENTIALS.search(_VARIABLE.sub("", entry.text)):
            raise BadRequirements(
                f"{entry}: its URL holds credentials, which the lock would show; list "
                f"{entry.name or 'the package'}==version, put the credentials into the index settings of the "
                "environment (UV_INDEX, from a secret) and log the model again"
            )


def _targets(resolver: Resolver, wanted: str | None, pythons: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the Pythons and the platforms that the lock is to cover."""
    failures: dict[tuple[str, str], UnresolvableRequirements] = {}
    for python in pythons:
        for platform in PLATFORMS:
            try:
                resolver.resolve(python, platform, resolver.listed.text)
            except UnresolvableRequirements as error:
                failures[python, platform] = error
    version = interpreters.version(wanted) if wanted else sys.version_info[:2]
    nearest = sorted(pythons, key=lambda one: interpreters.distance(interpreters.version(one), version))
    platforms: list[str] = []
    for python in nearest:
        platforms = [platform for platform in PLATFORMS if (python, platform) not in failures]
        # As in `environment`: another Python counts only where the wanted one is not among them.
        if platforms or interpreters.version(python) == version:
            break
    if not platforms:
        raise failures[nearest[0], PLATFORMS[0]]
    for (python, platform), why in failures.items():
        log.warning("the lock does not cover Python %s on %s: %s", python, platform, why)
    return [
        python for python in pythons if not any((python, platform) in failures for platform in platforms)
    ], platforms


@dataclass(frozen=True)
class Resolver:
    """Resolutions of one model's requirements for other Pythons and platforms than this one; see Installer."""

    uv: Uv
    listed: Requirements
    scratch: Path
    settings: EnvironmentSettings

    def resolve(self, python: str, platform: str, text: str) -> None:
        """Find out whether the requirements file ``text`` can be installed for ``python`` on ``platform``.

        Raises:
            UnresolvableRequirements: it cannot.
        """
        triple = f"{platform.removeprefix('linux-')}-unknown-linux-gnu"
        self._compile(text, python, f"{python} on {platform}", "--python-platform", triple)

    def universal(self, python: str, platforms: list[str]) -> str:
        """Return the requirements, resolved and with hashes, for ``python`` and newer on all ``platforms``.

        Raises:
            UnresolvableRequirements: they do not resolve.
        """
        project(self.scratch, platforms)
        what = f"{python} and newer on {' and '.join(platforms)}"
        text = self._compile(self.listed.text, python, what, "--universal", "--generate-hashes")
        # It is for Linux only, so that marker says nothing.
        return text.replace(" ; sys_platform == 'linux' \\\n", " \\\n")

    def _compile(self, text: str, python: str, what: str, *arguments: str) -> str:
        source = self.scratch / "requirements.txt"
        source.write_text(text)
        constraints = self.scratch / "constraints.txt"
        constraints.write_text(self.listed.constraints_text)
        options = ["--no-header", "--no-annotate", "--python-version", python, "--python", sys.executable]
        options += [] if self.settings.source_distributions else ["--no-build"]
        # The hashes of the result are made anew; whether there are some in the list does not matter to it.
        options += [flag for flag in self.listed.flags if flag != "--require-hashes"]
        try:
            return self.uv.run(
                *("--quiet", "pip", "compile", *options, *arguments),
                *("--constraint", str(constraints), str(source)),
            )
        except UvError as error:
            raise failure.unresolvable(error, self.listed, what) from error
