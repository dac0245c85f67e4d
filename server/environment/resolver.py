"""Resolutions of a model's requirements for other Pythons and platforms than this one, and why uv finds none."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from packaging.markers import Marker

from server.environment import uv
from server.environment.requirements import Requirement, Requirements
from server.environment.uv import Uv, UvError, project
from server.errors import UnresolvableRequirements
from server.settings import EnvironmentSettings

# What uv's explanation holds, and the fix that belongs to it; the first that is found counts.
_FIXES = (
    ("no space left on device", "give the volume of the environment, or of the cache, more room"),
    (
        r"\b401\b|\b403\b",
        "check the credentials of the package index (UV_DEFAULT_INDEX, UV_INDEX, PIP_INDEX_URL, …)",
    ),
    (
        r"network (?:connectivity is|was) disabled|`--offline`",
        "put the missing wheels into the model's wheels/ folder, or turn ENVIRONMENT_OFFLINE off",
    ),
    (
        "failed to fetch|error sending request|request failed|dns error|certificate|timed out",
        "check the network and the package index (UV_DEFAULT_INDEX, PIP_INDEX_URL, SSL_CERT_FILE)",
    ),
    (
        "a compatible version may be available on a subsequent index",
        "have the versions of all indexes count, as pip does, with ENVIRONMENT_INDEX_STRATEGY=unsafe-best-match, if each "
        "index is trusted for every package; what lies in the model's wheels/ folder comes from there alone",
    ),
    (
        r"no wheels with a matching platform tag \(e\.g\., `macosx",
        "these packages cannot be installed on macOS: run the model on Linux, in the devcontainer or in the image",
    ),
    (
        "hash-checking is required",
        "the requirements.lock lacks what this platform requires: promote the model again, or make its lock by "
        "`python -m server lock MODEL -o requirements.lock`",
    ),
    (
        "building from source is disabled",
        "require versions that have wheels for this Python, or allow source distributions, which run code of "
        "their own, with ENVIRONMENT_SOURCE_DISTRIBUTIONS=true",
    ),
)
_CORRECT = "correct the requirements and log the model again, or pin them with a requirements.lock"
# More than any minor version of Python has.
_LAST_PATCH = 99
_AT_ONCE = 4
_TRIPLES = {"linux": "unknown-linux-gnu", "macos": "apple-darwin"}
# How uv writes that a line is for both systems, and that it is for one, beside other conditions.
_BOTH = " and (sys_platform == 'darwin' or sys_platform == 'linux')"
# And that it is for CPython, as all are.
_CPYTHON = " and platform_python_implementation == 'CPython'"
_LINUX = re.compile(r" (?:and|;) sys_platform == 'linux'$")
# By Python and platform.
Failures = dict[tuple[str, str], UnresolvableRequirements]


def unresolvable(error: UvError, listed: Requirements, python: str) -> UnresolvableRequirements:
    """Return the error with uv's explanation, the requirements at fault and the fix."""
    explanation = str(error)
    fix = next((fix for sign, fix in _FIXES if re.search(sign, explanation, re.IGNORECASE)), _CORRECT)
    faults = "".join(f"\nat fault: {entry}" for entry in at_fault(explanation, listed))
    return UnresolvableRequirements(
        f"the model's requirements cannot be installed for Python {python}: {explanation}{faults}\n{fix}"
    )


def at_fault(explanation: str, listed: Requirements) -> list[Requirement]:
    """Return the requirements and constraints that uv's explanation speaks of."""
    return [
        entry for entry in (*listed.entries, *listed.constraints) if re.search(_pattern(entry), explanation)
    ]


def _pattern(entry: Requirement) -> str:
    if entry.name is None:
        # uv names a file or URL by its last part.
        return re.escape(entry.shown.split("#")[0].split(";")[0].strip().rstrip("/").rpartition("/")[2])
    spelled = "[-_.]+".join(re.escape(part) for part in entry.name.split("-"))
    return rf"(?i)(?<![\w.-]){spelled}(?![\w-]|\.\w)"


@dataclass(frozen=True)
class Resolver:
    """Resolutions of one model's requirements for other Pythons and platforms than this one; see Installer."""

    uv: Uv
    listed: Requirements
    scratch: Path
    settings: EnvironmentSettings

    def without_wheels(self, text: str, pythons: Iterable[str], platforms: Iterable[str]) -> Failures:
        """Return what ``failures`` does, of a ``text`` that is just resolved: all is in uv's cache, and nothing is missing in it."""
        cached = replace(self, uv=replace(self.uv, offline=True))
        return cached.failures(text, pythons, platforms, "--no-deps")

    def failures(
        self, text: str, pythons: Iterable[str], platforms: Iterable[str], *arguments: str
    ) -> Failures:
        """Return why the requirements file ``text`` cannot be installed, for each Python and platform where it cannot."""
        targets = list(product(pythons, platforms))
        # uv mostly waits for the package index.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda target: self._failure(text, *target, *arguments), targets)
            return {target: failure for target, failure in zip(targets, found, strict=True) if failure}

    def _failure(
        self, text: str, python: str, platform: str, *arguments: str
    ) -> UnresolvableRequirements | None:
        system, _, machine = platform.partition("-")
        triple = f"{machine}-{_TRIPLES[system]}"
        try:
            self._compile(text, python, f"{python} on {platform}", "--python-platform", triple, *arguments)
        except UnresolvableRequirements as error:
            return error
        return None

    def universal(self, pythons: list[str], platforms: list[str], pinned: str = "") -> str:
        """Return the requirements, resolved and with hashes, for each of ``pythons`` on all ``platforms``.

        The Pythons are resolved each by itself: a package has several lines where they get different versions. What it
        returned for Linux before, as ``pinned``, says the versions for every platform.

        Raises:
            UnresolvableRequirements: they do not resolve.
        """
        project(self.scratch, platforms, pythons)
        what = f"{', '.join(pythons)} on {' and '.join(platforms)}"
        text = self._compile(
            self.listed.text,
            pythons[0],
            what,
            "--universal",
            "--generate-hashes",
            constraints=_versions(pinned),
        )
        return _plain(text, pythons, platforms)

    def _compile(self, text: str, python: str, what: str, *arguments: str, constraints: str = "") -> str:
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        source, constrained = folder / "requirements.txt", folder / "constraints.txt"
        source.write_text(text)
        constrained.write_text(f"{self.listed.constraints_text}\n{constraints}")
        options = ["--no-header", "--no-annotate", "--python-version", python, "--python", sys.executable]
        options += [] if self.settings.source_distributions else ["--no-build"]
        # The hashes of the result are made anew; whether there are some in the list does not matter to it.
        options += [flag for flag in self.listed.flags if flag != "--require-hashes"]
        try:
            return self.uv.run(
                *("--quiet", "pip", "compile", *options, *arguments),
                *("--constraint", str(constrained), str(source)),
            )
        except UvError as error:
            raise unresolvable(error, self.listed, what) from error


def _versions(text: str) -> str:
    """Return the versions of a resolution for Linux, without hashes, as constraints for other systems too.

    Those for one processor alone are left to what requires them: uv would look for wheels for all others as well.
    """
    lines = [
        line.removesuffix(" \\")
        for line in text.splitlines()
        if not line.startswith(" ") and "platform_machine" not in line
    ]
    return "\n".join(_LINUX.sub("", line) for line in lines)


def _plain(text: str, pythons: Iterable[str], platforms: Iterable[str]) -> str:
    """Return a resolution without the conditions that hold wherever it is for, which say nothing."""
    environments = [
        {
            **uv.markers(platform),
            "python_version": python,
            "python_full_version": f"{python}.{patch}",
        }
        for python in pythons
        for platform in platforms
        for patch in (0, _LAST_PATCH)
    ]
    return "".join(_unconditional(line, environments) for line in text.splitlines(keepends=True))


def _unconditional(line: str, environments: list[dict[str, str]]) -> str:
    line = line.replace(_BOTH, "").replace(_CPYTHON, "")
    package, separator, condition = line.partition(" ; ")
    marker = condition.removesuffix("\n").removesuffix(" \\")
    if not separator or "!=" in marker or not all(Marker(marker).evaluate(one) for one in environments):
        return line
    return package + condition.removeprefix(marker)
