"""The verb ``environment``: a virtual environment with the model's own requirements, made by uv.

ENV/<key> is the environment, keyed by what it is made of, or CACHE/<key> with a cache folder; ENV/current is a
symbolic link to it.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path

from server import mlmodel
from server.environment import folders, interpreters, package_index, requirements_lock, specification
from server.environment.installer import RECORD, Installer
from server.environment.interpreters import Interpreter
from server.environment.package_index import PackageIndex
from server.environment.requirements_lock import Lock
from server.environment.specification import Specification
from server.environment.uv import Uv, project
from server.errors import BadLock, UnresolvableRequirements
from server.settings import EnvironmentSettings
from server.telemetry import start_record

log = logging.getLogger(__name__)


def build(model: Path, env: Path, settings: EnvironmentSettings) -> Path:
    """Make the environment that the model in ``model`` asks for, or find it made, and return its folder.

    A failure leaves nothing behind.

    Raises:
        NotAModel: ``model`` holds no MLmodel file.
        BadRequirements: its requirements cannot be read, or conda alone has some.
        BadLock: its lock belongs to another model, Python or platform.
        UnresolvableRequirements: its requirements cannot be installed.
        NoInterpreter: there is no Python for it.
        BadDestination: ``env`` or the cache folder cannot be written.
    """
    began = time.monotonic()
    requested = specification.read(mlmodel.read(model))
    requested.check(settings)
    locked = requirements_lock.find(model, Path(settings.lock) if settings.lock else None)
    env = env.absolute()
    store = Path(settings.cache).absolute() if settings.cache else env
    with folders.scratch(env) as scratch:
        brought = package_index.wheel_hashes(model)
        uv = Uv(
            folder=model,
            project=project(scratch, []),
            index=package_index.wheel_index(model, brought, scratch / "index"),
            cache=folders.uv_cache(settings.cache, scratch),
            offline=settings.offline,
            strategy=package_index.index_strategy(requested.requirements, settings),
        )
        if locked:
            # What the lock has not was left out when it was made.
            settled = requested.settled(settings, locked.requirements.names.__contains__)
            # A lock names no index: packages are where the model's own list finds them.
            listed = replace(locked.requirements, options=settled.options, flags=settled.flags)
        else:
            listed = requested.settled(settings, PackageIndex(uv, requested.requirements, scratch).has)
        package_index.pin_wheels(listed, brought, uv.strategy)
        installer = Installer(
            uv=uv,
            listed=listed,
            scratch=scratch,
            wheels=brought,
            source_distributions=settings.source_distributions,
            wanted=requested.python.text if requested.python else None,
            locked=locked.digest if locked else "",
            bytecode=folders.bytecode(settings.cache, uv),
        )
        python = _kept(env / "current", requested, installer, settings)
        python = python or _choose(requested, installer, locked, settings, store)
        final = store / installer.key(python)
        if (final / RECORD).is_file():
            log.info("the environment %s is there already", final)
        else:
            with folders.scratch(store) as aside:
                installer.install(python, aside / final.name)
                folders.publish(aside / final.name, final, RECORD)
        folders.link(env / "current", final, scratch)
    start_record.write(env / start_record.ENVIRONMENT, seconds=time.monotonic() - began)
    return final


def _kept(
    current: Path, requested: Specification, installer: Installer, settings: EnvironmentSettings
) -> Interpreter | None:
    """Return the interpreter that was chosen before for the same, which spares looking for all that there are."""
    python = installer.made(current)
    if python and settings.strict_python and requested.python:
        return python if requested.python.admits(python.version) else None
    return python


def _choose(
    requested: Specification,
    installer: Installer,
    locked: Lock | None,
    settings: EnvironmentSettings,
    store: Path,
) -> Interpreter:
    """Return the interpreter to use: of the Python that is asked for, else the nearest one that will do."""
    here = interpreters.present(installer.uv)
    order = interpreters.ordered(requested.python, here, strict=settings.strict_python)
    if locked:
        order = _covered(order, locked)
    asks = requested.python is not None and requested.python.admits(order[0].version)
    if asks and len(order) == 1:
        log.info("the model asks for Python %s; it gets %s (%s)", requested.python, order[0], order[0].path)
        return order[0]
    wants = (
        f"the model asks for Python {requested.python}" if requested.python else "the model names no Python"
    )
    wants += f", and the interpreters here are {', '.join(map(str, here))}"
    python = _made(order, installer, store) or _resolving(order, installer, wants)
    level = logging.INFO if asks else logging.WARNING
    log.log(
        level,
        "%s; it gets %s (%s), the nearest one for which its requirements resolve",
        *(wants, python, python.path),
    )
    return python


def _made(order: list[Interpreter], installer: Installer, store: Path) -> Interpreter | None:
    """Return the interpreter whose environment is there already: choosing it again needs no index."""
    return next((python for python in order if (store / installer.key(python) / RECORD).is_file()), None)


def _resolving(order: list[Interpreter], installer: Installer, wants: str) -> Interpreter:
    failures: list[UnresolvableRequirements] = []
    for python in order:
        try:
            installer.resolve(python)
        except UnresolvableRequirements as error:
            failures.append(error)
        else:
            return python
    message = f"{wants}; none of them will do. For the nearest: {failures[0]}"
    raise UnresolvableRequirements(message) from failures[0]


def _covered(order: list[Interpreter], locked: Lock) -> list[Interpreter]:
    """Return those of the interpreters that the lock was made for.

    A lock has the hashes of the wheels of all platforms: a local run on another operating system than the pod's installs the
    same versions, even where the lock was not resolved for it.
    """
    result = [
        python
        for python in order
        if python.minor in locked.pythons and (python.system in locked.platforms or not python.is_linux)
    ]
    if result and result[0].system not in locked.platforms:
        log.warning(
            "the requirements.lock is for %s: its versions are installed on %s, for a local run; the last digits of an answer may "
            "differ from the pod's",
            " and ".join(locked.platforms),
            result[0].system,
        )
    if not result:
        covers = f"the requirements.lock is for Python {', '.join(locked.pythons)} on {', '.join(locked.platforms)}"
        gets = f"the model would get Python {order[0].minor} on {order[0].system}"
        if order[0].minor in locked.left_out:
            raise BadLock(
                f"{covers}, and {gets}, which it leaves out, since the requirements did not resolve for it; use an image that "
                f"has Python {' or '.join(locked.pythons)}, or log the model again with requirements that resolve for "
                f"{order[0].minor}"
            )
        raise BadLock(
            f"{covers}, and {gets}; make it again with `python -m server lock MODEL -o requirements.lock`"
        )
    return result
