"""What may ask the gateway: who reaches it as this machine, and of the sites in a browser those that are of this machine.

A site can have its own name lead to 127.0.0.1, and its script then reads and calls what is there (DNS rebinding): such a request
has that name as its Host. Any site can send a request here whose answer it may not read: such a one has the site as its Origin.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

NAMES = ("127.0.0.1", "localhost", "[::1]")
_HOST = rf"(?:{'|'.join(map(re.escape, NAMES))})(?::[0-9]{{1,5}})?"
_RULES = {
    hdrs.HOST: re.compile(_HOST, re.IGNORECASE),
    hdrs.ORIGIN: re.compile(rf"https?://{_HOST}", re.IGNORECASE),
}


def refusal(status: int, reason: str, info: str) -> web.Response:
    """Return an error in the shape of Seldon's."""
    return web.json_response(
        {"status": {"code": -1, "info": info, "reason": reason, "status": 1}}, status=status
    )


@web.middleware
async def this_machine(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse a request by another name than this machine's, or from a site that is not of this machine."""
    for header, rule in _RULES.items():
        for value in request.headers.getall(header, [] if header == hdrs.ORIGIN else [""]):
            if not rule.fullmatch(value):
                return refusal(
                    403,
                    "NOT_THIS_MACHINE",
                    f"{header} is {value!r}: this gateway is for this machine alone, as one of {', '.join(NAMES)}; "
                    "a client that has another name for it sends Host: localhost, and no Origin",
                )
    return await handler(request)
