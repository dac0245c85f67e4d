"""The Open Inference Protocol (v2) of a node, over the same core as Seldon's own: routes, no sockets.

Any model name is answered, since callers behind a gateway have the deployment's or the node's; a version is the model's digest.
Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from server.api.node import Node
from server.api.routes import Handler, HttpRequest, HttpResponse, Methods, Protocol, Routes
from server.errors import BadData, NoSuchVersion
from server.protocol.json_codec import dumps
from server.protocol.meta import HEADER, puid
from server.protocol.v2 import json_codec
from server.protocol.v2.inference import Inference, outputs, request
from server.protocol.v2.json_codec import LENGTH_HEADER
from server.schema.request import Answer
from server.shared_state import ByteBudget
from server.telemetry.call_record import identify

PREFIX = "/v2"
NAME = "seldon-mlflow-server"
_MODEL = re.compile(r"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?(?P<rest>/infer|/ready)?")
_PATHS = (
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{name}",
    "/v2/models/{name}/ready",
    "/v2/models/{name}/infer",
    "/v2/models/{name}/versions/{version}",
)


class V2(Protocol):
    """The protocol's routes, which take from the budget while they are answered."""

    def __init__(self, node: Node, budget: ByteBudget) -> None:
        routes: Routes = {
            "/v2": {"GET": self._metadata},
            "/v2/": {"GET": self._metadata},
            "/v2/health/live": {"GET": self._live},
            "/v2/health/ready": {"GET": self._ready},
        }
        super().__init__(routes, json_codec.failure)
        self._node = node
        self._budget = budget
        self.server: dict[str, Any] = {
            "name": NAME,
            "version": node.settings.image,
            "extensions": json_codec.EXTENSIONS,
        }

    @property
    def known(self) -> list[str]:
        """The paths that there are."""
        return list(_PATHS)

    def find(self, path: str) -> tuple[str, Methods]:
        """Return the pattern that a path follows and what answers it, "" and nothing where there is no such path."""
        found = _MODEL.fullmatch(path)
        if found is None:
            return super().find(path)
        name, version, rest = found["model"], found["version"] or "", found["rest"] or ""
        pattern = f"/v2/models/{{name}}{'/versions/{version}' if version else ''}{rest}"
        if rest == "/infer":
            return pattern, {"POST": partial(self._infer, name, version)}
        handler = self._ready if rest else self._model
        return pattern, {"GET": partial(self._versioned, handler, version)}

    @property
    def ready(self) -> bool:
        """Whether the model can be called."""
        return self._node.client.ready

    def admit(self) -> None:
        """Admit one more call before its request is parsed, which takes longer than to refuse it.

        Raises:
            Overloaded: too many wait.
        """
        self._node.client.admit()

    async def check_version(self, version: str) -> None:
        """Refuse a version that the model does not have.

        Raises:
            NoSuchVersion: there is no such version.
        """
        versions = (await self._node.metadata())["versions"] if version else ()
        if version and version not in versions:
            raise NoSuchVersion(
                f"there is no version {version!r} of the model: there is {', '.join(versions)}"
            )

    async def _versioned(self, handler: Handler, version: str, http: HttpRequest) -> Any:
        await self.check_version(version)
        return await handler(http)

    async def _metadata(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, dumps(self.server))

    async def _live(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, dumps({"live": True}))

    async def _ready(self, _: HttpRequest) -> HttpResponse:
        self._node.check_ready()
        return HttpResponse(200, dumps({"ready": True}))

    async def _model(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(200, dumps(await self.metadata()))

    async def metadata(self) -> dict[str, Any]:
        """Return the model's metadata, whose tensors have -1 for the number of rows."""
        found, model = await self._node.metadata(), self._node.model
        return {
            "name": found["name"],
            "versions": found["versions"],
            "platform": found["platform"],
            "inputs": json_codec.inputs(model.inputs),
            "outputs": json_codec.outputs(model.outputs, native=model.native),
        }

    async def infer(self, inference: Inference) -> Answer:
        """Call the model for an inference request."""
        node = self._node
        call = request(inference, node.model.inputs)
        known = {entry["name"] for entry in node.model.params}
        call.params = {name: value for name, value in inference.parameters.items() if name in known}
        answer, _ = await node.answer(node.role, call)
        return answer

    async def _infer(self, model: str, version: str, http: HttpRequest) -> HttpResponse:
        self.admit()
        await self.check_version(version)
        if not http.body:
            raise BadData(f"the body is empty: send an inference request to {http.path}")
        json_body, raw = json_codec.parts(http.body, http.headers.get(LENGTH_HEADER))
        with self._budget.reserved(json_body.cost + 2 * len(raw)) as more:  # Raw bytes are copied once.
            inference = json_codec.decode(json_body.parse(json_codec.places, more), raw)
            given = identify(puid({"puid": inference.id}, http.headers.get(HEADER)))
            inference.id = inference.id or given
            chosen = outputs(inference, await self.infer(inference))
            body, json_length = json_codec.encode(inference, chosen, model, version)
        headers = {HEADER: given}
        if json_length is None:
            return HttpResponse(200, body, headers=headers)
        headers[LENGTH_HEADER] = str(json_length)
        return HttpResponse(200, body, json_codec.BINARY_TYPE, headers)
