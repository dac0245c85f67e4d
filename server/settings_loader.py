"""A setting: how it is declared, read from the environment and described.

A value comes from an environment variable or, where the Seldon operator hands it over, from a graph
parameter (PREDICTIVE_UNIT_PARAMETERS) or an annotation of the SeldonDeployment (server.container). The declarations are in server.settings.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any, TypeVar

from server.errors import BadSetting

T = TypeVar("T")

PARAMETERS = "PREDICTIVE_UNIT_PARAMETERS"
# Of the variables of a Service.
_SERVICE = "_SERVICE_HOST"
_NONE: Mapping[str, str] = {}
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}

log = logging.getLogger(__name__)


def setting(
    default: Any,
    meaning: str,
    *,
    env: str | tuple[str, ...] = (),
    parameter: str = "",
    annotation: str = "",
    choices: tuple[str, ...] = (),
    minimum: int | None = None,
    secret: bool = False,
    kind: type | None = None,
) -> Any:
    """Declare a field of a settings class.

    ``env`` names its environment variables, the first one that is set counts; ``parameter`` its graph
    parameter, which counts before them; ``annotation`` its annotation, which counts after them. A
    ``secret``'s value is never part of a message. ``kind`` is the value's type where the default, None, does
    not show it.
    """
    names = (env,) if isinstance(env, str) else env
    metadata = {
        "meaning": meaning,
        "env": names,
        "parameter": parameter,
        "annotation": annotation,
        "choices": choices,
        "minimum": minimum,
        "secret": secret,
        "kind": kind or type(default),
    }
    return field(default=default, metadata=metadata, repr=not secret)


def load(kind: type[T], environ: Mapping[str, str], annotations: Mapping[str, str] = _NONE) -> T:
    """Return an instance of the settings class ``kind`` with what ``environ`` and the pod's annotations say.

    Raises:
        BadSetting: a value is not of the setting's type or not among its choices, or a graph
            parameter is not known.
    """
    parameters = _parameters(environ)
    known = {entry.metadata["parameter"] for entry in fields(kind)} - {""}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    padded: list[str] = []
    for entry in fields(kind):  # type: ignore[arg-type]
        found = _found(entry.metadata, parameters, environ, annotations)
        if found is None:
            continue
        origin, text = found
        if text != text.strip():
            padded.append(origin)
        values[entry.name] = _convert(origin, text.strip(), entry.metadata)
    if padded:
        # A secret that was made with `echo … | base64` ends with a newline.
        log.warning(
            "%s: white space around the value is left out; make the value without it (printf, not echo)",
            ", ".join(padded),
        )
    for name in parameters:
        if known and name not in known:
            raise BadSetting(
                f"unknown graph parameter {name!r}: the server knows {', '.join(sorted(known))}; "
                "correct the parameter's name in the overlay"
            )
    return kind(**values)


def unknown(kind: type[Any], environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the environment variables that begin as those of settings and are none, each with the nearest one that is, or "".

    What Kubernetes sets for a Service whose name begins so is left out:
    https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables
    """
    import difflib  # It takes a while, and there is mostly nothing to find.

    # Without what all of them begin with, which would make any two look alike.
    known = {name.removeprefix(prefix): name for entry in fields(kind) for name in entry.metadata["env"]}
    services = [name.removesuffix(_SERVICE) for name in environ if name.endswith(_SERVICE)]
    links = tuple(f"{service}_{part}" for service in services for part in ("SERVICE_", "PORT"))
    found = dict[str, str]()
    for name in sorted(environ):
        if name.startswith(prefix) and name not in known.values() and not name.startswith(links):
            nearest = difflib.get_close_matches(name.removeprefix(prefix), known, 1)
            found[name] = known[nearest[0]] if nearest else ""
    return found


def _found(metadata: Mapping[str, Any], *sources: Mapping[str, str]) -> tuple[str, str] | None:
    """Return where a setting's value stands, and the value as text."""
    parameters, environ, annotations = sources
    if metadata["parameter"] in parameters:
        return f"parameter {metadata['parameter']}", parameters[metadata["parameter"]]
    for name in metadata["env"]:
        if environ.get(name, "") != "":
            return name, environ[name]
    if metadata["annotation"] in annotations:
        return f"annotation {metadata['annotation']}", annotations[metadata["annotation"]]
    return None


def _parameters(environ: Mapping[str, str]) -> dict[str, str]:
    text = environ.get(PARAMETERS, "").strip()
    if not text:
        return {}
    try:
        return {entry["name"]: str(entry["value"]) for entry in json.loads(text)}
    except (ValueError, TypeError, KeyError) as error:
        raise BadSetting(
            f"{PARAMETERS}={text!r}: must be a JSON list of objects with name, value and type, "
            "as the Seldon operator writes it"
        ) from error


def _convert(origin: str, text: str, metadata: Mapping[str, Any]) -> Any:
    shown = "(hidden)" if metadata["secret"] else repr(text)
    if metadata["kind"] is bool:
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
        raise BadSetting(f"{origin}={shown}: must be true or false")
    if metadata["kind"] is int:
        try:
            number = int(text)
        except ValueError as error:
            raise BadSetting(f"{origin}={shown}: must be a whole number") from error
        if metadata["minimum"] is not None and number < metadata["minimum"]:
            raise BadSetting(f"{origin}={shown}: must be {metadata['minimum']} or more")
        return number
    if metadata["choices"] and text not in metadata["choices"]:
        raise BadSetting(f"{origin}={shown}: must be one of {', '.join(metadata['choices'])}")
    return text
