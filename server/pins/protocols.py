"""How a service is asked by each protocol: its paths, and the request and answer of an expected.json in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.errors import BadData, BadExpectation, BadSetting
from server.pins.expectation import Expectation
from server.protocol.v2 import seldon_message

SELDON, V2 = "seldon", "v2"
PROTOCOLS = (SELDON, V2)


class SeldonProtocol:
    """Seldon's own protocol. An answer says by which image of each node it was given."""

    metadata = "/api/v1.0/metadata"
    predictions = "/api/v1.0/predictions"
    health = "/api/v1.0/health/status"
    # What says the image of the server, where an answer does not.
    server = ""

    def request(self, expected: Expectation) -> dict[str, Any]:
        """Return the body that asks what ``expected`` does."""
        return expected.request

    def answer(self, expected: Expectation, message: Any) -> Any:
        """Return an answer as the SeldonMessage that it is compared as."""
        return message


class V2Protocol(SeldonProtocol):
    """The Open Inference Protocol, of the model that is called as its graph ``node``: its orchestrator knows no other."""

    server = "/v2"

    def __init__(self, node: str) -> None:
        self.metadata = f"/v2/models/{node}"
        self.predictions = f"{self.metadata}/infer"
        self.health = f"{self.metadata}/ready"

    def request(self, expected: Expectation) -> dict[str, Any]:
        """Return the body that asks what ``expected`` does.

        Raises:
            BadExpectation: the protocol has no tensor for it.
        """
        try:
            return seldon_message.request(expected.request)
        except BadData as error:
            raise BadExpectation(
                f"request cannot be sent by the protocol v2: {error}; promote the model with a table by EXAMPLE=file.json, or let "
                "the deployment speak seldon, without components/open-inference-protocol"
            ) from error

    def answer(self, expected: Expectation, message: Any) -> Any:
        """Return an answer as the SeldonMessage that it is compared as."""
        return seldon_message.response(expected.response, message)


def protocol(name: str, node: str) -> SeldonProtocol:
    """Return how to ask a service of one of PROTOCOLS, with the graph ``node`` where the protocol names it.

    Raises:
        BadSetting: there is no such protocol, or it needs a node and there is none.
    """
    if name == SELDON:
        return SeldonProtocol()
    if name != V2:
        raise BadSetting(f"protocol {name!r}: must be one of {', '.join(PROTOCOLS)}")
    if not node:
        raise BadSetting("protocol 'v2' asks for a model by its name: say the graph node by --node")
    return V2Protocol(node)


def images(answer: Any) -> Mapping[str, Any]:
    """Return the image of each node that an answer of Seldon's protocol passed."""
    meta = answer.get("meta") if isinstance(answer, dict) else None
    path = meta.get("requestPath") if isinstance(meta, dict) else None
    return path if isinstance(path, dict) else {}
