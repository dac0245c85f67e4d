"""The prediction's unique id, which an answer bears in its headers as the orchestrator's does."""

from __future__ import annotations

import uuid
from typing import Any

HEADER = "seldon-puid"
LONGEST = 256


def puid(meta: dict[str, Any], header: str | bytes | None) -> str:
    """Return the id of a request: its meta's, else its header's, else a new one.

    One that no header may hold (RFC 9110, 5.5) is left for the next.
    """
    for given in (meta.get("puid"), header):
        if isinstance(given, str) and 0 < len(given) <= LONGEST and given.isascii() and given.isprintable():
            return given
    return str(uuid.uuid4())
