"""One model served three times: by a plain component, by this server, and by its component class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
from google.protobuf import text_format

from server.protocol.proto.messages import SeldonMessage, SeldonModelMetadata
from tests.conformance.grpc_cases import Call
from tests.conformance.reply import GRPC, Reply, canonical
from tests.conformance.rest.case import Case
from tests.conformance.wrapping import COMPONENT, PLAIN, Wrapped, wrapping
from tests.server.running_server import Served, serving, this_environment


@dataclass(frozen=True)
class Three:
    """The three, of which each answers the same requests."""

    stock: Wrapped
    server: Served
    component: Wrapped

    def wait_until_ready(self) -> None:
        """Return when all of them are."""
        for one in (self.stock, self.server, self.component):
            one.wait_until_ready()

    def rest(self, case: Case) -> tuple[Reply, Reply, Reply]:
        """Return their answers over REST: the stock wrapper's, the server's, the component class's."""
        stock, server, component = (
            _reply(one.client.request(case.method, case.path, content=case.body, headers=case.headers))
            for one in (self.stock, self.server, self.component)
        )
        return stock, server, component

    def grpc(self, call: Call) -> tuple[Reply, Reply, Reply]:
        """Return their answers over gRPC, in the same order."""
        stock, server, component = (
            _called(one.grpc_port, call) for one in (self.stock, self.server, self.component)
        )
        return stock, server, component


def _called(port: int, call: Call) -> Reply:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            body = channel.unary_unary(f"/{call.method}")(call.body, timeout=30)
        except grpc.RpcError as error:
            return Reply(error.code().name, GRPC, error.details())
    message = SeldonModelMetadata() if call.row == "metadata" else SeldonMessage()
    if call.row != "grpc-services":
        message.ParseFromString(body)
    return Reply("OK", GRPC, text_format.MessageToString(message))


def _reply(response: httpx.Response) -> Reply:
    kind = response.headers.get("content-type", "")
    body = canonical(response.json()) if kind == "application/json" and response.content else response.text
    return Reply(str(response.status_code), kind, body)


@contextmanager
def three(folder: Path, model: Path, service_type: str, **parameters: str) -> Iterator[Three]:
    """Serve a model three times with these graph parameters."""
    environ = {"SERVICE_TYPE": service_type}
    folder.mkdir()
    environment = this_environment(folder / "environment")
    folders = [folder / name for name in ("stock", "server", "component")]
    for each in folders:
        each.mkdir()
    with ExitStack() as stack:
        yield Three(
            stack.enter_context(
                wrapping(PLAIN, folders[0], ready=False, environ=environ, model_uri=str(model), **parameters)
            ),
            stack.enter_context(serving(folders[1], model, ready=False, environ=environ, **parameters)),
            stack.enter_context(
                wrapping(
                    COMPONENT,
                    folders[2],
                    ready=False,
                    environ=environ,
                    model_uri=str(model),
                    environment=str(environment),
                    **parameters,
                )
            ),
        )
