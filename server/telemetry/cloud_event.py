"""A payload as the CloudEvent by which Seldon's orchestrator logs it: binary content mode of HTTP.

Sources: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md and
https://github.com/SeldonIO/seldon-core/blob/v1.17.1/executor/logger/worker.go
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from server.settings import ServeSettings
from server.telemetry.call_record import CallRecord, Payload

REQUEST = "io.seldon.serving.inference.request"
RESPONSE = "io.seldon.serving.inference.response"
FEEDBACK = "io.seldon.serving.feedback"
# What a header holds unescaped (the binding's 3.1.3.2).
_ESCAPED = re.compile("[^!#$&-~]|%")
# What a header of ours may cost, beside the body, in bytes of memory.
_HEADERS_BYTES = 1024


class CloudEvent(NamedTuple):
    """An event: the headers of its request, and the body."""

    headers: dict[str, str]
    body: bytes

    @property
    def size(self) -> int:
        """What it takes in memory, in bytes."""
        return len(self.body) + _HEADERS_BYTES


class CloudEvents:
    """Makes the events of a node.

    Args:
        settings: with the node's names. One that is not known is "" in Seldon's events; here it is left out.
    """

    def __init__(self, settings: ServeSettings) -> None:
        names = {
            "ce-inferenceservicename": settings.deployment,
            "ce-modelid": settings.node,
            "ce-namespace": settings.namespace,
            "ce-endpoint": settings.predictor,
        }
        self._same = {
            "ce-specversion": "1.0",
            "ce-source": f"http://:{settings.http_port}/",
            **{name: _header(value) for name, value in names.items() if value},
        }

    def event(self, kind: str, record: CallRecord, payload: Payload) -> CloudEvent:
        """Return the event of a prediction's request or response, or of feedback, ``kind`` being its type."""
        headers = {
            **self._same,
            "ce-id": str(uuid4()),
            "ce-type": kind,
            "ce-time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "ce-requestid": _header(record.puid),
            "ce-protocol": _protocol(record.method),
            "content-type": _content_type(payload.content_type),
        }
        if record.parent is not None:
            # The extension for distributed tracing.
            headers["ce-traceparent"] = _header(record.headers["traceparent"].strip())
        return CloudEvent(headers, payload.content)


def _header(value: str) -> str:
    """Return a value with what a header cannot hold percent-encoded."""
    return _ESCAPED.sub(
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), value
    )


def _protocol(method: str) -> str:
    """Return what a call speaks, as a SeldonDeployment's ``protocol`` names it, or "mlflow"."""
    if method.startswith(("/v2/", "/inference.")):
        return "v2"
    return "mlflow" if method == "/invocations" else "seldon"


def _content_type(value: str) -> str:
    return value if value.isascii() and value.isprintable() else "application/octet-stream"
