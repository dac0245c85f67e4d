"""Where a model's packages come from: its own folder wheels/, package indexes, and which of several indexes counts.

Sources: https://peps.python.org/pep-0503/ (the index that is made of wheels/), MLflow's models with their libraries,
https://mlflow.org/docs/latest/ml/model/dependencies/, https://docs.astral.sh/uv/reference/settings/#index-strategy and, of pip,
the options --index-url and --extra-index-url of https://pip.pypa.io/en/stable/cli/pip_install/: it takes the best version of
all indexes. A package that lies in wheels/ is taken from nowhere else, so nobody can put another one of the same name on an
index.
"""

from __future__ import annotations

import hashlib
import html
import logging
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from server.environment.requirements import Requirements
from server.environment.uv import Uv, UvError
from server.errors import BadRequirements
from server.settings import EnvironmentSettings

log = logging.getLogger(__name__)

WHEELS = "wheels"
_ABSENT = re.compile(r"\bwas not found in the (?:package registry|provided package locations)\b")
_UVS = "first-index"
_PIPS = "unsafe-best-match"
_EXTRA = "--extra-index-url "


def wheel_hashes(model: Path) -> dict[str, str]:
    """Return the sha256 of each wheel in the wheels/ folder of ``model``, by file name; none without one."""
    result = {}
    for path in sorted((model / WHEELS).glob("*.whl")):
        with path.open("rb") as file:
            result[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return result


def wheel_index(model: Path, known: dict[str, str], folder: Path) -> str:
    """Make an index of the wheels ``known`` of ``model`` in ``folder``, and return its URL; "" without wheels.

    Raises:
        BadRequirements: a file's name is not one of a wheel.
    """
    pages: dict[str, list[str]] = {}
    for name, sha256 in known.items():
        try:
            package = str(parse_wheel_filename(name)[0])
        except InvalidWheelFilename as error:
            raise BadRequirements(
                f"{WHEELS}/{name}: is not the name of a wheel, name-version-python-abi-platform.whl; "
                "name the file as it was built and log the model again"
            ) from error
        url = (model.absolute() / WHEELS / name).as_uri()
        link = f'<a href="{html.escape(url)}#sha256={sha256}">{html.escape(name)}</a>'
        pages.setdefault(package, []).append(link)
    for package, links in pages.items():
        page = folder / package / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("<!DOCTYPE html>\n" + "\n".join(links) + "\n")
    return folder.absolute().as_uri() if pages else ""


@dataclass(frozen=True)
class PackageIndex:
    """The indexes that ``uv`` knows and ``listed`` names. ``scratch`` is for a file."""

    uv: Uv
    listed: Requirements
    scratch: Path

    def has(self, name: str) -> bool:
        """Whether they have a package of this name, in any version.

        Where they cannot be reached the answer is yes: the installation reports what is missing.
        """
        source = self.scratch / "asked.txt"
        source.write_text("".join(f"{line}\n" for line in (*self.listed.options, name)))
        flags = [flag for flag in self.listed.flags if flag != "--require-hashes"]
        arguments = (
            "--no-deps",
            "--no-build",
            "--no-header",
            "--python",
            sys.executable,
            *flags,
            str(source),
        )
        try:
            self.uv.run("--quiet", "pip", "compile", *arguments)
        except UvError as error:
            return _ABSENT.search(str(error)) is None
        return True


def index_strategy(listed: Requirements, settings: EnvironmentSettings) -> str:
    """Return uv's index strategy for the list of a model: the setting, else pip's where the list names an extra index.

    "" stands for uv's own, which takes a package from the first index that has it.
    """
    if settings.index_strategy or not any(option.startswith(_EXTRA) for option in listed.options):
        return settings.index_strategy
    log.info(
        "the model's requirements name an extra index: a package's best version on any of its indexes is installed, as by "
        "pip (ENVIRONMENT_INDEX_STRATEGY=%s takes it from the first index that has it)",
        _UVS,
    )
    return _PIPS


def pin_wheels(listed: Requirements, wheels: Iterable[str], chosen: str) -> None:
    """Keep packages that come with the model, as files ``wheels``, at their version, unless they are on the first index anyway.

    Raises:
        BadRequirements: the model comes with several versions of one.
    """
    if chosen in ("", _UVS):
        return
    versions: dict[str, set[str]] = {}
    for file in wheels:
        package, version, *_ = parse_wheel_filename(file)
        versions.setdefault(package, set()).add(str(version))
    for name, found in sorted(versions.items()):
        if len(found) > 1:
            raise BadRequirements(
                f"{WHEELS}/ holds {name} {' and '.join(sorted(found))}, and with the index strategy {chosen} an index could "
                "give another; keep one version in it and log the model again, or set "
                f"ENVIRONMENT_INDEX_STRATEGY={_UVS}"
            )
        listed.pin(name, found.pop(), f"the model's folder {WHEELS}/ holds this version")
