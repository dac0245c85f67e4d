"""The meta of a message, held to the types that it has in a SeldonMessage.

Source: https://github.com/SeldonIO/seldon-core/blob/v1.17.1/proto/prediction.proto
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.errors import BadData
from server.protocol.table import mapping, shown


def meta(value: Any) -> dict[str, Any]:
    """Return a message's meta, parsed from JSON; null is as good as nothing, for all of it and for each field.

    Raises:
        BadData: it is no object, or a field that an answer repeats has another type than in a SeldonMessage.
    """
    if value is None:
        return {}
    given = {key: entry for key, entry in mapping("meta", value).items() if entry is not None}
    for key, (fits, rule) in _RULES.items():
        if key in given and not fits(given[key]):
            raise BadData(f"meta.{key} is {shown(given[key])}: it must be {rule}")
    return given


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "puid": (lambda value: isinstance(value, str), "a string"),
    "tags": (lambda value: isinstance(value, dict), "a JSON object"),
    "requestPath": (
        lambda value: isinstance(value, dict) and all(isinstance(image, str) for image in value.values()),
        "a JSON object of strings",
    ),
    "metrics": (
        lambda value: isinstance(value, list) and all(isinstance(metric, dict) for metric in value),
        "a list of JSON objects",
    ),
}
