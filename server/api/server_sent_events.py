"""A streamed answer as server-sent events, as MLflow's agent server writes them: one JSON value each, then [DONE].

An error ends them too: an event ``error`` with Seldon's status, and its text where MLflow has it.

Formats: https://html.spec.whatwg.org/multipage/server-sent-events.html, mlflow/genai/agent_server/server.py of MLflow 3.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from server.errors import NotReady, ServerError
from server.protocol.json_codec import dumps, status
from server.telemetry.log_lines import log_error

CONTENT_TYPE = "text/event-stream; charset=utf-8"
# No proxy may cache the events or buffer them (nginx buffers unless a header forbids it).
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
DONE = b"data: [DONE]\n\n"

log = logging.getLogger(__name__)


async def events(parts: AsyncGenerator[Any, None]) -> AsyncGenerator[bytes, None]:
    """Yield one event per part, then [DONE]. An error before the first part is raised."""
    begun = False
    async with aclosing(parts):
        try:
            async for part in parts:
                yield b"data: %b\n\n" % dumps(part)
                begun = True
        except Exception as error:
            if not begun:
                raise
            yield _failed(error)
    yield DONE


def _failed(error: Exception) -> bytes:
    """Return the event ``error``; log it unless the client is at fault."""
    if not isinstance(error, ServerError):
        log.exception("a part of an answer cannot be sent")
        error = ServerError(f"{type(error).__name__}: {error}")
    elif not isinstance(error, NotReady):
        log_error(log, error)
    return b"event: error\ndata: %b\n\n" % dumps({"error": str(error), "status": status(error)})
