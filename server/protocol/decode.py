"""A message in JSON to a Request."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import orjson

from server.errors import BadData
from server.protocol.meta import meta
from server.schema.json_arrays import check_depth, mapping, names, rows, shown, tensor
from server.schema.request import Request

KINDS = ("ndarray", "tensor")
FIELDS = ("data", "jsonData", "strData", "binData")


def decode(message: Any) -> Request:
    """Return the request that a message, parsed from JSON, holds.

    Raises:
        BadData: it is not a Seldon message that a model can be called with.
    """
    message = mapping("the body", message)
    fields = [field for field in FIELDS if field in message]
    if len(fields) != 1:
        given = ", ".join(sorted(message)) or "nothing"
        raise BadData(
            f"the body has {given}: it must have exactly one of {', '.join(FIELDS)}; "
            'send for instance {"data": {"ndarray": [[…], …]}}'
        )
    request_meta = meta(message.get("meta"))
    field = fields[0]
    if field != "data":
        return Request(field, _VALUES[field](message[field]), meta=request_meta)
    data = mapping("data", message["data"])
    kinds = [kind for kind in KINDS if kind in data]
    if len(kinds) != 1:
        given = ", ".join(sorted(data)) or "nothing"
        raise BadData(f"data has {given}: it must have exactly one of {' or '.join(KINDS)}")
    kind = kinds[0]
    values = (
        tensor("data.tensor", data[kind])
        if kind == "tensor"
        else rows("data.ndarray", data[kind], unequal=True)
    )
    return Request(kind, values, names("data.names", data.get("names")), request_meta)


def bare(message: Any) -> Request:
    """Return the request that a message holds, or any other JSON value as MLflow has it: the input itself.

    Raises:
        BadData: it is a Seldon message that is broken.
    """
    if isinstance(message, dict) and not any(field in message for field in FIELDS):
        return Request("jsonData", message)
    return decode(message)


def parse(body: bytes) -> Any:
    """Return the value that a JSON body holds.

    Raises:
        BadData: the body is empty, not JSON or nested too deeply.
    """
    if not body.strip():
        raise BadData('the body is empty: send a JSON object such as {"data": {"ndarray": [[…], …]}}')
    check_depth(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" in body or b"Infinity" in body:
            # Not JSON, but what Python's own encoder writes for them.
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                pass  # The first error is the clearer one.
        raise BadData(f"the body is not JSON: {error}") from error


def _str_data(value: Any) -> str:
    if not isinstance(value, str):
        raise BadData(f"strData is {shown(value)}: it must be a string")
    return value


def _bin_data(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value  # A file of a multipart form.
    try:
        return base64.b64decode(_base64_text(value), validate=True)
    except ValueError as error:
        raise BadData(f"binData is {shown(value)}: it must be base64 ({error})") from error


def _base64_text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadData(f"binData is {shown(value)}: it must be a string of base64")
    return value


_VALUES: dict[str, Callable[[Any], Any]] = {
    "jsonData": lambda value: value,
    "strData": _str_data,
    "binData": _bin_data,
}
