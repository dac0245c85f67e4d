"""Resolutions of one model's requirements for other Pythons and platforms than this one.

Source: https://docs.astral.sh/uv/concepts/resolution/#universal-resolution.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from packaging.markers import Marker

from server.environment import uv_errors
from server.environment.requirements import Requirements
from server.environment.uv import Uv, UvError, project
from server.errors import UnresolvableRequirements
from server.settings import EnvironmentSettings

# More than any minor version of Python has.
_LAST_PATCH = 99
_AT_ONCE = 4
# By Python and platform.
Failures = dict[tuple[str, str], UnresolvableRequirements]


@dataclass(frozen=True)
class Resolver:
    """Resolutions of one model's requirements for other Pythons and platforms than this one; see Installer."""

    uv: Uv
    listed: Requirements
    scratch: Path
    settings: EnvironmentSettings

    def failures(self, text: str, pythons: Iterable[str], platforms: Iterable[str]) -> Failures:
        """Return why the requirements file ``text`` cannot be installed, for each Python and platform where it cannot."""
        targets = list(product(pythons, platforms))
        # uv mostly waits for the package index.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda target: self._failure(text, *target), targets)
            return {target: failure for target, failure in zip(targets, found, strict=True) if failure}

    def _failure(self, text: str, python: str, platform: str) -> UnresolvableRequirements | None:
        triple = f"{platform.removeprefix('linux-')}-unknown-linux-gnu"
        try:
            self._compile(text, python, f"{python} on {platform}", "--python-platform", triple)
        except UnresolvableRequirements as error:
            return error
        return None

    def universal(self, pythons: list[str], platforms: list[str]) -> str:
        """Return the requirements, resolved and with hashes, for each of ``pythons`` on all ``platforms``.

        The Pythons are resolved each by itself: a package has several lines where they get different versions.

        Raises:
            UnresolvableRequirements: they do not resolve.
        """
        project(self.scratch, platforms, pythons)
        what = f"{', '.join(pythons)} on {' and '.join(platforms)}"
        text = self._compile(self.listed.text, pythons[0], what, "--universal", "--generate-hashes")
        return _plain(text, pythons, platforms)

    def _compile(self, text: str, python: str, what: str, *arguments: str) -> str:
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        source, constraints = folder / "requirements.txt", folder / "constraints.txt"
        source.write_text(text)
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
            raise uv_errors.unresolvable(error, self.listed, what) from error


def _plain(text: str, pythons: Iterable[str], platforms: Iterable[str]) -> str:
    """Return a resolution without the conditions that hold wherever it is for, which say nothing."""
    environments = [
        {
            "sys_platform": "linux",
            "platform_machine": platform.removeprefix("linux-"),
            "python_version": python,
            "python_full_version": f"{python}.{patch}",
        }
        for python in pythons
        for platform in platforms
        for patch in (0, _LAST_PATCH)
    ]
    return "".join(_unconditional(line, environments) for line in text.splitlines(keepends=True))


def _unconditional(line: str, environments: list[dict[str, str]]) -> str:
    package, separator, condition = line.partition(" ; ")
    marker = condition.removesuffix("\n").removesuffix(" \\")
    if not separator or "!=" in marker or not all(Marker(marker).evaluate(one) for one in environments):
        return line
    return package + condition.removeprefix(marker)
