"""What a deployment answers, on every way that there is, compared with the overlay's expected.json."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.pins.expectation import Expectation
from tests.cluster.helper import Helper, ask_from_here
from tests.cluster.kubectl import ClusterError
from tests.e2e.errors import E2eError
from tests.e2e.ingress import Ingress
from tests.e2e.rendered import Rendered
from tests.e2e.report import Report

PREDICTIONS = "/api/v1.0/predictions"
# A gateway that has not heard of the route yet.
_NOT_YET = (404, 502, 503)


@dataclass(frozen=True)
class Answers:
    """The answers of a rendered overlay's deployment, asked from the helper pod unless said otherwise."""

    rendered: Rendered
    expected: Expectation
    helper: Helper
    report: Report

    @property
    def url(self) -> str:
        """The predictor's Service: the orchestrator's port, or without one the container's own."""
        return f"http://{self.rendered.service}:{9000 if self._no_engine else 8000}{PREDICTIONS}"

    @property
    def grpc(self) -> str:
        return f"{self.rendered.service}:{9500 if self._no_engine else 5001}"

    def through_the_service(self) -> None:
        """Ask by REST and gRPC.

        Raises:
            E2eError: an answer is another, or there is none.
        """
        request = self.expected.request
        self._compare("REST", self.url, lambda: self.helper.ask(self.url, request))
        self._compare("gRPC", self.grpc, lambda: self.helper.ask_grpc(self.grpc, request))

    def through(self, ingress: Ingress) -> None:
        """Ask at the tutorial's address, and by gRPC as Seldon's routes know it, where the way has it.

        Raises:
            E2eError: an answer is another, or there is none.
        """
        deployment = self.rendered.overlay.deployment
        url = f"{ingress.url}{self.rendered.overlay.path}{PREDICTIONS}"
        ask = ask_from_here if ingress.here else self.helper.ask
        request = self.expected.request
        self._compare(ingress.title, url, lambda: ask(url, request, not_yet=_NOT_YET))
        if ingress.grpc:
            metadata = {"seldon": deployment.name, "namespace": deployment.namespace}
            title = f"{ingress.title}, gRPC"
            self._compare(title, ingress.grpc, lambda: self.helper.ask_grpc(ingress.grpc, request, metadata))

    @property
    def _no_engine(self) -> bool:
        return self.rendered.overlay.predictor.no_engine

    def _compare(self, title: str, address: str, ask: Callable[[], Any]) -> None:
        where = f"{self.rendered.name}: {title} at {address}"
        try:
            answer = ask()
        except ClusterError as error:
            raise E2eError(f"{where}: no answer: {error}") from error
        found = self.expected.differences(answer)
        if found:
            raise E2eError(f"{where} answers otherwise than expected.json says: {'; '.join(found)}")
        path, wanted = answer.get("meta", {}).get("requestPath"), self.rendered.overlay.request_path
        if path != wanted:
            raise E2eError(f"{where}: meta.requestPath is {path}: must be {wanted}")
        self.report.ok(f"{where}: numbers, names and requestPath as expected")
