"""The verb ``environment``: a virtual environment with the model's own requirements, made by uv.

ENV/<key> is the environment, keyed by what it is made of; ENV/current is a symbolic link to it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import shutil
import time
from pathlib import Path

from server import mlmodel
from server.environment import interpreters, specification, uv
from server.environment.interpreters import Interpreter
from server.environment.requirements import Requirement, Requirements
from server.environment.specification import Specification
from server.errors import BadDestination, UnresolvableRequirements
from server.settings import EnvironmentSettings

log = logging.getLogger(__name__)

RECORD = "environment.json"


def build(model: Path, env: Path, settings: EnvironmentSettings) -> Path:
    """Make the environment that the model in ``model`` asks for, or find it made, and return its folder.

    Raises:
        NotAModel: ``model`` holds no MLmodel file.
        BadRequirements: its requirements cannot be read.
        UnresolvableRequirements: they cannot be installed; nothing is left behind.
        NoInterpreter: there is no Python for it.
        BadDestination: ``env`` cannot be written.
    """
    asked = specification.read(mlmodel.read(model))
    env = env.absolute()
    scratch = env / f".building-{secrets.token_hex(8)}"
    try:
        scratch.mkdir(parents=True)
    except OSError as error:
        raise BadDestination(
            f"{env}: cannot be written ({error.strerror}); give a folder that can"
        ) from error
    try:
        lists = _write(asked.requirements, scratch)
        python = _choose(model, asked, lists, scratch, settings)
        key = _key(asked.requirements, python, settings)
        if not (env / key / RECORD).is_file():
            _install(model, asked, python, lists, scratch, key, settings)
            _publish(scratch / key, env / key)
        else:
            log.info("the environment %s is there already", env / key)
        link = scratch / "current"
        link.symlink_to(key)
        link.replace(env / "current")
    finally:
        shutil.rmtree(scratch)
    return env / key


def _write(requirements: Requirements, scratch: Path) -> list[str]:
    """Write the lists for uv, and return the arguments that hand them over."""
    (scratch / "requirements.txt").write_text(requirements.text)
    arguments = ["--requirement", str(scratch / "requirements.txt"), *requirements.flags]
    if requirements.constraints:
        (scratch / "constraints.txt").write_text(
            "".join(f"{entry.text}\n" for entry in requirements.constraints)
        )
        arguments += ["--constraint", str(scratch / "constraints.txt")]
    return arguments


def _choose(
    model: Path, asked: Specification, lists: list[str], scratch: Path, settings: EnvironmentSettings
) -> Interpreter:
    here = interpreters.present(model)
    order = interpreters.ordered(asked.python, here, strict=settings.strict_python)
    if order[0].version[:2] == interpreters.minor(asked.python):
        return order[0]
    failures: list[UnresolvableRequirements] = []
    for interpreter in order:
        try:
            _uv(
                [
                    "pip",
                    "install",
                    "--dry-run",
                    "--target",
                    str(scratch),
                    "--python",
                    str(interpreter.path),
                    *lists,
                ],
                model,
                asked.requirements,
                interpreter,
                settings,
            )
        except UnresolvableRequirements as error:
            failures.append(error)
            continue
        log.warning(
            "the model asks for Python %s, which is not here (%s); it gets %s, the nearest one for which its "
            "requirements resolve",
            asked.python,
            ", ".join(map(str, here)),
            interpreter,
        )
        return interpreter
    raise failures[0]


def _key(requirements: Requirements, python: Interpreter, settings: EnvironmentSettings) -> str:
    content = {
        "requirements": [requirements.text, [entry.text for entry in requirements.constraints]],
        "flags": requirements.flags,
        "python": [str(python), str(python.path.resolve()), python.platform],
        "source_distributions": settings.source_distributions,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _install(
    model: Path,
    asked: Specification,
    python: Interpreter,
    lists: list[str],
    scratch: Path,
    key: str,
    settings: EnvironmentSettings,
) -> None:
    started = time.monotonic()
    log.info("installing %d requirements for Python %s", len(asked.requirements.entries), python)
    target = scratch / key
    _uv(
        ["venv", "--no-project", "--relocatable", "--python", str(python.path), str(target)],
        model,
        asked.requirements,
        python,
        settings,
    )
    _uv(
        ["pip", "install", "--compile-bytecode", "--python", str(target / "bin" / "python"), *lists],
        model,
        asked.requirements,
        python,
        settings,
    )
    record = {
        "key": key,
        "python": str(python),
        "platform": python.platform,
        "requirements": [uv.redacted(entry.text) for entry in asked.requirements.entries],
        "uv": uv.VERSION,
    }
    (target / RECORD).write_text(json.dumps(record, indent=2) + "\n")
    log.info("installed in %.1f s", time.monotonic() - started)


def _publish(made: Path, final: Path) -> None:
    """Give the environment its place; if another process was faster, its environment stands there."""
    try:
        made.replace(final)
    except OSError:
        if not (final / RECORD).is_file():
            raise


def _uv(
    arguments: list[str],
    model: Path,
    requirements: Requirements,
    python: Interpreter,
    settings: EnvironmentSettings,
) -> None:
    if arguments[0] == "pip" and not settings.source_distributions:
        arguments = [*arguments, "--no-build"]
    try:
        uv.run(["--quiet", *arguments], folder=model)
    except uv.UvError as error:
        at_fault = _at_fault(str(error), requirements)
        raise UnresolvableRequirements(
            f"the model's requirements cannot be installed for Python {python}: {error}\n"
            + "".join(f"at fault: {uv.redacted(str(entry))}\n" for entry in at_fault)
            + "correct the requirements and log the model again"
        ) from error


def _at_fault(explanation: str, requirements: Requirements) -> list[Requirement]:
    """Return the requirements whose packages uv's explanation names."""
    words = set(re.findall(r"[a-z0-9][a-z0-9\-]*", re.sub(r"[_.]+(?=[a-z])", "-", explanation.lower())))
    return [entry for entry in requirements.entries if entry.name in words]
