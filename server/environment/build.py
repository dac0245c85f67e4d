"""The verb ``environment``: a virtual environment with the model's own requirements, made by uv.

ENV/<key> is the environment, keyed by what it is made of, or CACHE/<key> with a cache folder; ENV/current is a
symbolic link to it.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from server import mlmodel
from server.environment import folders, interpreters, lock, specification, wheels
from server.environment.installer import RECORD, Installer
from server.environment.interpreters import Interpreter
from server.environment.lock import Lock
from server.environment.specification import Specification
from server.environment.uv import Uv, project
from server.errors import BadLock, BadRequirements, UnresolvableRequirements
from server.settings import EnvironmentSettings

log = logging.getLogger(__name__)


def build(model: Path, env: Path, settings: EnvironmentSettings) -> Path:
    """Make the environment that the model in ``model`` asks for, or find it made, and return its folder.

    A failure leaves nothing behind.

    Raises:
        NotAModel: ``model`` holds no MLmodel file, or a flavour that cannot be loaded.
        BadRequirements: its requirements cannot be read.
        BadLock: its lock belongs to another model, Python or platform.
        UnresolvableRequirements: its requirements cannot be installed.
        NoInterpreter: there is no Python for it.
        BadDestination: ``env`` or the cache folder cannot be written.
    """
    asked = specification.read(mlmodel.read(model))
    _tell(asked, settings)
    locked = lock.find(model, Path(settings.lock) if settings.lock else None)
    listed = asked.requirements
    if locked:
        # A lock names no index: packages are where the model's own list finds them.
        listed = replace(locked.requirements, options=listed.options)
    env = env.absolute()
    store = Path(settings.cache).absolute() if settings.cache else env
    with folders.scratch(env) as scratch:
        brought = wheels.hashes(model)
        installer = Installer(
            uv=Uv(
                folder=model,
                project=project(scratch, []),
                index=wheels.index(model, brought, scratch / "index"),
                cache=folders.uv_cache(settings.cache, scratch),
                offline=settings.offline,
            ),
            listed=listed,
            scratch=scratch,
            wheels=brought,
            source_distributions=settings.source_distributions,
            locked=locked.digest if locked else "",
        )
        python = _choose(asked, installer, locked, settings)
        final = store / installer.key(python)
        if (final / RECORD).is_file():
            log.info("the environment %s is there already", final)
        else:
            with folders.scratch(store) as aside:
                installer.install(python, aside / final.name)
                folders.publish(aside / final.name, final, RECORD)
        folders.link(env / "current", final, scratch)
    return final


def _tell(asked: Specification, settings: EnvironmentSettings) -> None:
    """Say what is added to the model's requirements, and what of conda is left out, if that is allowed."""
    for entry in asked.requirements.entries:
        if entry.added:
            log.info("%s", entry)
    if not asked.conda_packages:
        return
    packages = ", ".join(asked.conda_packages)
    if not settings.ignore_conda_packages:
        raise BadRequirements(
            f"conda.yaml lists packages of conda, which pip's packages cannot stand for: {packages}; list them under "
            "pip and log the model again, or leave them out with ENVIRONMENT_IGNORE_CONDA_PACKAGES=true"
        )
    log.warning("left out, since they are packages of conda: %s", packages)


def _choose(
    asked: Specification, installer: Installer, locked: Lock | None, settings: EnvironmentSettings
) -> Interpreter:
    """Return the interpreter to use: of the Python that is asked for, else the nearest one that will do."""
    here = interpreters.present(installer.uv)
    order = interpreters.ordered(asked.python, here, strict=settings.strict_python)
    if locked:
        order = _covered(order, locked)
    if asked.python and order[0].version[:2] == interpreters.version(asked.python):
        return order[0]
    failures: list[UnresolvableRequirements] = []
    for python in order:
        try:
            installer.resolve(python)
        except UnresolvableRequirements as error:
            failures.append(error)
            continue
        log.warning(
            "the model asks for Python %s, and the interpreters here are %s; it gets %s, the nearest one for which "
            "its requirements resolve",
            asked.python or "without a version",
            ", ".join(map(str, here)),
            python,
        )
        return python
    raise failures[0]


def _covered(order: list[Interpreter], locked: Lock) -> list[Interpreter]:
    """Return those of the interpreters that the lock was made for."""
    result = [
        python for python in order if python.minor in locked.pythons and python.machine in locked.platforms
    ]
    if not result:
        raise BadLock(
            f"the requirements.lock is for Python {', '.join(locked.pythons)} on {', '.join(locked.platforms)}, and "
            f"the model would get Python {order[0].minor} on {order[0].machine}; make it again with "
            "`python -m server lock MODEL -o requirements.lock`"
        )
    return result
