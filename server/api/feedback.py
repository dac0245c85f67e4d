"""A feedback message: a client's judgement of an earlier answer."""

from __future__ import annotations

import json
from typing import Any

from server.errors import BadData
from server.protocol.meta import meta

FIELDS = ("request", "response", "reward", "truth")


def feedback(message: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answer's payload, which is empty, and its meta: no more than the request's puid.

    Raises:
        BadData: it is not a Feedback message, or its request's meta is not a Meta.
    """
    if not isinstance(message, dict):
        raise BadData(f"the body is {json.dumps(message)[:60]}: it must be a JSON object")
    unknown = sorted(set(message) - set(FIELDS))
    if unknown:
        raise BadData(f"the body has {', '.join(unknown)}: a feedback message has {', '.join(FIELDS)}")
    reward = message.get("reward", 0)
    if type(reward) not in (int, float):
        raise BadData(f"reward is {json.dumps(reward)[:60]}: it must be a number")
    for field in ("request", "response", "truth"):
        if not isinstance(message.get(field, {}), dict):
            raise BadData(f"{field} is {json.dumps(message[field])[:60]}: it must be a JSON object")
    request = message.get("request", {})
    given = meta(request.get("meta"))
    data = request.get("data")
    empty: dict[str, Any] = {"tensor": {"shape": [0]}}
    if isinstance(data, dict) and "tensor" not in data:
        empty = {"ndarray": []}
    puid = given.get("puid")
    return {"data": empty}, {"puid": puid} if puid else {}
