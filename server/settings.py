"""Every setting of the server: where its value comes from, its default and its meaning.

A setting is read from an environment variable or, where the Seldon operator hands it over, from a
graph parameter (PREDICTIVE_UNIT_PARAMETERS). docs/settings.md lists them all; a test holds it to this file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from server.errors import BadSetting

T = TypeVar("T")

PARAMETERS = "PREDICTIVE_UNIT_PARAMETERS"
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def setting(
    default: Any,
    meaning: str,
    *,
    env: str | tuple[str, ...] = (),
    parameter: str = "",
    choices: tuple[str, ...] = (),
    minimum: int | None = None,
    secret: bool = False,
) -> Any:
    """Declare a field of a settings class.

    ``env`` names its environment variables, the first one that is set counts; ``parameter`` its graph
    parameter, which counts before them. A ``secret``'s value is never part of a message.
    """
    names = (env,) if isinstance(env, str) else env
    metadata = {
        "meaning": meaning,
        "env": names,
        "parameter": parameter,
        "choices": choices,
        "minimum": minimum,
        "secret": secret,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class ServeSettings:
    """Settings of ``serve``."""

    model_uri: str = setting(
        "/mnt/models", "Folder that holds the model, as `fetch` left it.", parameter="model_uri"
    )
    xtype: str = setting(
        "ndarray",
        "What the model's method gets: a numpy array, or a pandas DataFrame with the request's names.",
        parameter="xtype",
        choices=("ndarray", "DataFrame"),
    )
    predict_method: str = setting(
        "",
        "Method of the model to call. Default: `predict` for a MODEL, `transform` for the transformers.",
        parameter="predict_method",
    )
    service_type: str = setting(
        "MODEL",
        "The node's type in the graph: which of its paths /api/v1.0/predictions stands for.",
        env="SERVICE_TYPE",
        choices=("MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER"),
    )
    node: str = setting("", "The graph node's name, the key in meta.requestPath.", env="PREDICTIVE_UNIT_ID")
    image: str = setting(
        "", "The container's image, the value in meta.requestPath.", env="PREDICTIVE_UNIT_IMAGE"
    )
    host: str = setting("0.0.0.0", "Address to listen on.", env="SERVER_HOST")  # noqa: S104  a pod's own network
    http_port: int = setting(
        9000,
        "Port of the REST interface.",
        env=("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "PREDICTIVE_UNIT_SERVICE_PORT"),
        minimum=0,
    )
    max_body_bytes: int = setting(
        64 * 1024 * 1024,
        "Largest request body in bytes; a larger one is answered with 413.",
        env="SERVER_MAX_BODY_BYTES",
        minimum=1,
    )
    drain_seconds: int = setting(
        20,
        "How long requests under way may take to end after SIGTERM.",
        env="SERVER_DRAIN_SECONDS",
        minimum=0,
    )


@dataclass(frozen=True)
class EnvironmentSettings:
    """Settings of ``environment``. uv's own (UV_DEFAULT_INDEX, …) and pip's index settings count beside them."""

    strict_python: bool = setting(
        False,
        "Refuse to run the model on another Python minor version than the one that it asks for.",
        env="ENVIRONMENT_STRICT_PYTHON",
    )
    source_distributions: bool = setting(
        False,
        "Install packages without a wheel too, from source distributions, which run code of their own meanwhile.",
        env="ENVIRONMENT_SOURCE_DISTRIBUTIONS",
    )


def load(kind: type[T], environ: Mapping[str, str]) -> T:
    """Return an instance of the settings class ``kind`` with what ``environ`` says.

    Raises:
        BadSetting: a value is not of the setting's type or not among its choices, or a graph
            parameter is not known.
    """
    parameters = _parameters(environ)
    known = {entry.metadata["parameter"] for entry in fields(kind)} - {""}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for entry in fields(kind):  # type: ignore[arg-type]
        if entry.metadata["parameter"] in parameters:
            origin, text = f"parameter {entry.metadata['parameter']}", parameters[entry.metadata["parameter"]]
        else:
            name = next((name for name in entry.metadata["env"] if environ.get(name, "") != ""), None)
            if name is None:
                continue
            origin, text = name, environ[name]
        values[entry.name] = _convert(origin, text, entry.default, entry.metadata)
    for name in parameters:
        if known and name not in known:
            raise BadSetting(
                f"unknown graph parameter {name!r}: the server knows {', '.join(sorted(known))}; "
                "correct the parameter's name in the overlay"
            )
    return kind(**values)


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


def _convert(origin: str, text: str, default: Any, metadata: Mapping[str, Any]) -> Any:
    shown = "(hidden)" if metadata["secret"] else repr(text)
    if isinstance(default, bool):
        if text.strip().lower() in _TRUE:
            return True
        if text.strip().lower() in _FALSE:
            return False
        raise BadSetting(f"{origin}={shown}: must be true or false")
    if isinstance(default, int):
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
