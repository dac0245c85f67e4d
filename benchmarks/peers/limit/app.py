"""The limit: the model in the process that answers HTTP, parsed by orjson, and nothing else.

Run by uvicorn in this folder's environment; it checks nothing of a request.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import numpy as np
import orjson
import skops.io

METHOD = getattr(skops.io.load(os.environ["BENCH_MODEL"]), os.environ["BENCH_METHOD"])
HEADERS = [(b"content-type", b"application/json")]

Message = MutableMapping[str, Any]


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer {"data": {"ndarray": rows}} with the same of the method's result, and no body with nothing."""
    if scope["type"] != "http":
        return
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    answer = b""
    if body := b"".join(parts):
        rows = np.array(orjson.loads(body)["data"]["ndarray"])
        answer = orjson.dumps({"data": {"ndarray": METHOD(rows)}}, option=orjson.OPT_SERIALIZE_NUMPY)
    headers = [*HEADERS, (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
