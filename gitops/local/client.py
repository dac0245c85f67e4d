"""Asking a deployment through the gateway, as a user does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gitops.local.gateway import PREDICTIONS, Gateway
from gitops.local.overlay import Overlay
from gitops.local.run import Run


@dataclass(frozen=True)
class Answer:
    """An HTTP status and body."""

    status: int
    text: str


def url(gateway: Gateway, overlay: Overlay) -> str:
    """Return the address of the overlay's predictions."""
    return f"{gateway.url}{overlay.path}/{PREDICTIONS}"


async def ask(running: Run, overlay: Overlay, request: dict[str, Any]) -> Answer:
    """Send a SeldonMessage to the overlay's deployment."""
    async with running.client.post(url(running.gateway, overlay), json=request) as answer:
        return Answer(answer.status, await answer.text())
