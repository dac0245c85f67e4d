"""The prediction's unique id (puid), in an answer's headers as the orchestrator sets it."""

from __future__ import annotations

from random import getrandbits
from typing import Any

HEADER = "seldon-puid"
LONGEST = 256
_VERSION_4 = 0x4000_8000_0000_0000_0000
_KEPT = ~0xF000_C000_0000_0000_0000


def puid(meta: dict[str, Any], header: str | bytes | None) -> str:
    """Return the id of a request: its meta's, else its header's, else a new one.

    One that no header may hold (RFC 9110, 5.5) is left for the next.
    """
    for given in (meta.get("puid"), header):
        if isinstance(given, str) and 0 < len(given) <= LONGEST and _fits(given):
            return given
    # A UUID of version 4 (RFC 9562). It tells requests apart and keeps no secret: no call of the system for it.
    digits = f"{getrandbits(128) & _KEPT | _VERSION_4:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _fits(given: str) -> bool:
    return given.isascii() and given.isprintable() and given == given.strip()
