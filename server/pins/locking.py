"""The verb ``lock``: a requirements.lock for a model, for the image's Pythons and platforms."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from server import mlmodel
from server.environment import interpreters, package_index, requirements_lock, specification
from server.environment.interpreters import PythonRequest
from server.environment.package_index import PackageIndex
from server.environment.requirements import Requirements
from server.environment.resolver import Failures, Resolver
from server.environment.uv import Uv, project
from server.errors import BadRequirements, UnresolvableRequirements
from server.settings import EnvironmentSettings

log = logging.getLogger(__name__)

# What the image can hold (docs/image.md), and the machines that it is built for.
PYTHONS = ("3.11", "3.12", "3.13", "3.14", "3.15")
PLATFORMS = ("linux-x86_64", "linux-aarch64")
# What a local run may be on.
LOCAL_PLATFORMS = ("macos-aarch64", "macos-x86_64")
# What uv puts in from the environment, and would write into a lock as it stands.
_VARIABLE = re.compile(r"\$\{\w+\}")
# In a URL; the user of an SSH address alone is no secret.
_CREDENTIALS = re.compile(r"(?<!ssh)://:*[^/@\s:][^/@\s]*@|://[^/@\s:]*:[^/@\s]+@")


def make(model: Path, settings: EnvironmentSettings, pythons: Sequence[str] = ()) -> str:
    """Return the requirements.lock of the model in ``model``, for these minor versions of Python.

    Without any these are PYTHONS, and the one that the model asks for. It covers the platforms on which the requirements
    resolve for the Python that the model gets, and the Pythons for which they resolve on all these platforms. It names the
    Pythons that it leaves out, and a warning tells why. Those of LOCAL_PLATFORMS are covered where the versions of Linux
    resolve for them too.

    Raises:
        NotAModel: ``model`` holds no MLmodel file.
        BadRequirements: its requirements cannot be read, or hold credentials, or conda alone has some.
        UnresolvableRequirements: they do not resolve.
    """
    requested = specification.read(mlmodel.read(model))
    requested.check(settings)
    _check_credentials(requested.requirements)
    order = interpreters.nearest(requested.python, pythons or PYTHONS, _minor)
    order = order if pythons else [*_beside(requested.python), *order]
    pythons = sorted({*order, *(pythons or PYTHONS)}, key=_minor)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        brought = package_index.wheel_hashes(model)
        index = package_index.wheel_index(model, brought, scratch / "index")
        chosen = package_index.index_strategy(requested.requirements, settings)
        uv = Uv(model, project(scratch, PLATFORMS), index, offline=settings.offline, strategy=chosen)
        listed = requested.settled(settings, PackageIndex(uv, requested.requirements, scratch).has)
        package_index.pin_wheels(listed, brought, chosen)
        resolver = Resolver(uv, listed, scratch, settings)
        covered, platforms, text = _resolved(resolver, order, pythons)
        platforms, text = _with_local(resolver, covered, platforms, text)
    left_out = [python for python in pythons if python not in covered]
    return requirements_lock.render(requirements_lock.digest(model), covered, platforms, text, left_out)


def _with_local(
    resolver: Resolver, pythons: list[str], platforms: list[str], text: str
) -> tuple[list[str], str]:
    """Return the platforms and requirements with those of LOCAL_PLATFORMS that have all, at the same versions."""
    try:
        wider = resolver.universal(pythons, [*platforms, *LOCAL_PLATFORMS], pinned=text)
    except UnresolvableRequirements as why:
        # All of it is about Linux too, and would read as if the lock had failed: what lacks a wheel is in the line of the reason.
        first, *lines = str(why).splitlines()
        said = next((line for line in lines if line.startswith("Because ")), first)
        log.info("the lock is for pods alone, and not for a local run on macOS: %s", said)
        return platforms, text
    failures = resolver.without_wheels(wider, pythons, LOCAL_PLATFORMS)
    failed = {platform: failure for (_, platform), failure in failures.items()}
    for platform, failure in failed.items():
        log.info("the lock is not for a local run on %s: %s", platform, failure)
    local = [platform for platform in LOCAL_PLATFORMS if platform not in failed]
    # What is for one processor of Linux alone was resolved anew; what is for macOS alone is no other version of anything.
    pinned, wide = _pins(text), _pins(wider)
    names = {_name(pin) for pin in pinned}
    same = pinned <= wide and not any(_name(pin) in names for pin in wide - pinned)
    return ([*platforms, *local], wider) if local and same else (platforms, text)


def _pins(text: str) -> set[str]:
    return {line.split()[0] for line in text.splitlines() if not line.startswith(" ")}


def _name(pin: str) -> str:
    return pin.partition("==")[0]


def _beside(requested: PythonRequest | None) -> list[str]:
    """Return the Pythons that are asked for where none is one of PYTHONS: an image can be built with them."""
    held = [_minor(python) for python in PYTHONS]
    if requested is None or any(requested.admits(minor) for minor in held):
        return []
    minors = [
        one for one in requested.minors if one >= interpreters.OLDEST and (requested.exact or one < held[-1])
    ]
    return interpreters.nearest(requested, [".".join(map(str, one)) for one in minors], _minor)


def _minor(python: str) -> tuple[int, int]:
    return interpreters.requested_version(python).minors[0]


def _check_credentials(listed: Requirements) -> None:
    """Refuse URLs with credentials: the lock would hold them, and it is kept in git."""
    for entry in (*listed.entries, *listed.constraints):
        if _CREDENTIALS.search(_VARIABLE.sub("", entry.text)):
            raise BadRequirements(
                f"{entry}: its URL holds credentials, which the lock would show; list "
                f"{entry.name or 'the package'}==version, put the credentials into the index settings of the "
                "environment (UV_INDEX, from a secret) and log the model again"
            )


def _resolved(
    resolver: Resolver, order: Sequence[str], pythons: Sequence[str]
) -> tuple[list[str], list[str], str]:
    """Return the Pythons and the platforms that the lock covers, and the requirements for these.

    ``order`` are the Pythons on which the model may run, the best first.
    """
    nearest, platforms, failures = _targets(resolver, order, pythons)
    covered = [
        python for python in pythons if not any((python, platform) in failures for platform in platforms)
    ]
    try:
        return covered, platforms, _checked(resolver, covered, platforms)
    except UnresolvableRequirements:
        if len(covered) == 1:
            raise
    # Each may resolve on every platform, and one of them not for all of these at once.
    for python in list(covered):
        try:
            _checked(resolver, [python], platforms)
        except UnresolvableRequirements as why:
            if python == nearest:
                raise
            covered.remove(python)
            log.warning("the lock does not cover Python %s: %s", python, why)
    return covered, platforms, _checked(resolver, covered, platforms)


def _checked(resolver: Resolver, pythons: list[str], platforms: list[str]) -> str:
    """Return the requirements for all these Pythons and platforms, once each of them is found to take them."""
    text = resolver.universal(pythons, platforms)
    for why in resolver.failures(text, pythons, platforms).values():
        raise why
    return text


def _targets(
    resolver: Resolver, order: Sequence[str], pythons: Sequence[str]
) -> tuple[str, list[str], Failures]:
    """Return the Python that the model gets, the platforms to cover, and where the requirements do not resolve."""
    failures = resolver.failures(resolver.listed.text, pythons, PLATFORMS)
    for nearest in order:
        platforms = [platform for platform in PLATFORMS if (nearest, platform) not in failures]
        if platforms:
            break
    else:
        raise failures[order[0], PLATFORMS[0]]
    for (python, platform), why in failures.items():
        log.warning("the lock does not cover Python %s on %s: %s", python, platform, why)
    return nearest, platforms, failures
