"""How a version is chosen where several indexes have a package.

Sources: https://docs.astral.sh/uv/reference/settings/#index-strategy and, of pip, the options --index-url and
--extra-index-url of https://pip.pypa.io/en/stable/cli/pip_install/: it takes the best version of all indexes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from packaging.utils import parse_wheel_filename

from server.environment.requirements import Requirements
from server.environment.wheels import FOLDER
from server.errors import BadRequirements
from server.settings import EnvironmentSettings

log = logging.getLogger(__name__)

_UVS = "first-index"
_PIPS = "unsafe-best-match"
_EXTRA = "--extra-index-url "


def strategy(listed: Requirements, settings: EnvironmentSettings) -> str:
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


def bound(listed: Requirements, wheels: Iterable[str], chosen: str) -> None:
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
                f"{FOLDER}/ holds {name} {' and '.join(sorted(found))}, and with the index strategy {chosen} an index could "
                "give another; keep one version in it and log the model again, or set "
                f"ENVIRONMENT_INDEX_STRATEGY={_UVS}"
            )
        listed.pin(name, found.pop(), f"the model's folder {FOLDER}/ holds this version")
