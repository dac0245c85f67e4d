"""Traces of calls by OpenTelemetry's SDK, sent by OTLP over HTTP. This module is imported only where they are switched on.

The names of attributes are those of the semantic conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/,
https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_EXPORT_BATCH_SIZE, OTEL_BSP_MAX_QUEUE_SIZE
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from server.errors import BadSetting
from server.settings import ServeSettings
from server.telemetry.access_log import address
from server.telemetry.call_record import CallRecord
from server.telemetry.log_lines import escaped

log = logging.getLogger(__name__)

# A tracestate that is longer need not be taken (https://www.w3.org/TR/trace-context/#tracestate-limits).
LONGEST_STATE = 512
# The SDK's default.
QUEUE_SIZE = 2048
# The SDK's own, of spans that are sent at once.
BATCH_SIZE = 512
# Methods of HTTP that a span names; any other is one of the client's.
METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))
# Codes of gRPC that make a server's span an error.
ERRORS = frozenset(("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"))


class Exporter(SpanExporter):
    """Sends spans by OTLP; says once that it cannot, and once that it can again.

    ``sent`` and ``failed`` count spans, ``taken`` those that it has begun to send.
    """

    def __init__(self) -> None:
        # It repeats headers that it cannot read, which may be tokens.
        logging.getLogger("opentelemetry.util.re").setLevel(logging.CRITICAL)
        self._otlp = OTLPSpanExporter()
        self._fails = False
        self.taken = self.sent = self.failed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans."""
        self.taken += len(spans)
        result = self._otlp.export(spans)
        fails = result is not SpanExportResult.SUCCESS
        if fails:
            self.failed += len(spans)
        else:
            self.sent += len(spans)
        if fails and not self._fails:
            log.warning(
                "traces cannot be sent and are dropped: OTEL_EXPORTER_OTLP_ENDPOINT must be a receiver of OTLP over HTTP "
                "that can be reached"
            )
        elif self._fails and not fails:
            log.warning("traces are sent again; %d spans were dropped", self.failed)
        self._fails = fails
        return result

    def shutdown(self) -> None:
        """End."""
        self._otlp.shutdown()  # type: ignore[no-untyped-call]


class Queue(BatchSpanProcessor):
    """The SDK's queue of spans, which drops the oldest ones unsaid: here the newest find no place, and ``dropped`` counts them.

    Args:
        exporter: takes the spans from the queue.
        environ: with OTEL_BSP_MAX_QUEUE_SIZE.
    """

    def __init__(self, exporter: Exporter, environ: Mapping[str, str]) -> None:
        said = environ.get(OTEL_BSP_MAX_QUEUE_SIZE, "").strip()
        if said and not (said.isascii() and said.isdecimal() and int(said)):
            raise BadSetting(f"{OTEL_BSP_MAX_QUEUE_SIZE}={said!r}: must be a number of spans from 1 up")
        self._most = int(said) if said else QUEUE_SIZE
        at_once = None if environ.get(OTEL_BSP_MAX_EXPORT_BATCH_SIZE) else min(BATCH_SIZE, self._most)
        super().__init__(exporter, max_queue_size=self._most, max_export_batch_size=at_once)
        self._taker = exporter
        self._queued = self.dropped = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span that has ended."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        if self._queued - self._taker.taken >= self._most:
            self.dropped += 1
            if self.dropped == 1:
                log.warning(
                    "spans are dropped: the collector takes them more slowly than they come; sample (OTEL_TRACES_SAMPLER), raise "
                    "OTEL_BSP_MAX_QUEUE_SIZE, or watch seldon_mlflow_server_spans_total"
                )
            return
        self._queued += 1
        super().on_end(span)


class Tracing:
    """Makes the spans of a process's calls, which a thread sends. Make it in the process that uses it: threads are not forked.

    A call is a span of kind SERVER, whose parent is the client's (``traceparent``) and whose children, "decode", "queue", "model" and
    "encode", are made when it has ended. A call that is not sampled has ids and nothing else.
    """

    def __init__(self, settings: ServeSettings, environ: Mapping[str, str] = os.environ) -> None:
        self.exporter = Exporter()
        resource = Resource.create(_resource(settings, environ))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._queue = Queue(self.exporter, environ)
        self._provider.add_span_processor(self._queue)
        self._tracer = self._provider.get_tracer("server")
        # What it says from now on is of single batches and spans, and may hold the address with its credentials.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

    @property
    def spans(self) -> dict[str, int]:
        """How many spans were sent, dropped for want of a place, or not taken."""
        exporter = self.exporter
        return {"sent": exporter.sent, "dropped": self._queue.dropped, "failed": exporter.failed}

    def began(self, record: CallRecord) -> None:
        """Begin the call's span, which gives the call its ids."""
        span = self._tracer.start_span(
            _name(record), _parent(record), SpanKind.SERVER, start_time=record.began_ns
        )
        record.trace_id = f"{span.get_span_context().trace_id:032x}"
        if span.is_recording():
            record.span = span

    def ended(self, record: CallRecord) -> None:
        """End the call's span, and make those of its parts."""
        span: Span | None = record.span
        if span is None:
            return
        if record.queued:
            self._parts(record, set_span_in_context(span, Context()))
        span.set_attributes(_attributes(record))
        if record.code in ERRORS or (record.interface == "rest" and record.code >= "500"):
            # Without the error's message, which may hold what the request has.
            span.set_status(Status(StatusCode.ERROR))
        span.end(_ns(record, record.ended))

    def stop(self, seconds: float) -> None:
        """Send what is left, for so many seconds at most."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(seconds)

    def _parts(self, record: CallRecord, context: Context) -> None:
        is_answered = record.answered >= record.sent > 0
        computing = min(
            record.queued + record.queue_seconds, record.answered if is_answered else record.ended
        )
        self._part("decode", context, record, (record.began, record.queued))
        self._part("queue", context, record, (record.queued, computing))
        if is_answered:
            attributes = {
                "model.rows": record.rows,
                "model.batch.calls": record.batch_calls,
                "model.batch.rows": record.batch_rows,
                "model.seconds": record.model_seconds,
            }
            others = [span for span in record.batch_spans if span is not record.span]
            links = [Link(span.get_span_context()) for span in others]
            self._part("model", context, record, (computing, record.answered), attributes, links)
            self._part("encode", context, record, (record.answered, record.ended))

    def _part(
        self,
        name: str,
        context: Context,
        record: CallRecord,
        times: tuple[float, float],
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] = (),
    ) -> None:
        began, ended = (_ns(record, time) for time in times)
        span = self._tracer.start_span(name, context, attributes=attributes, links=links, start_time=began)
        span.end(ended)


def _ns(record: CallRecord, time: float) -> int:
    """Return a time of the record (``time.perf_counter``) in nanoseconds since the epoch."""
    return record.began_ns + round(1e9 * (time - record.began))


def _parent(record: CallRecord) -> Context:
    """Return the context with the client's span, or an empty one."""
    parent = record.parent
    if parent is None:
        return Context()
    state = record.headers.get("tracestate", "")
    client = SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([state]) if 0 < len(state) <= LONGEST_STATE else None,
    )
    return set_span_in_context(NonRecordingSpan(client), Context())


def _name(record: CallRecord) -> str:
    """Return the span's name; nothing that a client chooses is part of it."""
    if record.interface == "grpc":
        return record.method.lstrip("/")
    method = record.http_method if record.http_method in METHODS else "HTTP"
    return f"{method} {record.method}".rstrip()


def _attributes(record: CallRecord) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "client.address": address(record.client),
        "seldon.puid": escaped(record.puid),
    }
    if record.interface == "grpc":
        attributes |= {
            "rpc.system.name": "grpc",
            "rpc.method": record.method.lstrip("/"),
            "rpc.response.status_code": record.code,
        }
    else:
        attributes |= {
            "http.request.method": record.http_method if record.http_method in METHODS else "_OTHER",
            "http.response.status_code": int(record.code),
            "http.request.body.size": record.request_bytes,
            "http.response.body.size": record.response_bytes,
            "url.scheme": "http",
            "url.path": escaped(record.path),
        }
        if record.method:
            attributes["http.route"] = record.method
    if record.error is not None:
        attributes["error.type"] = type(record.error).__name__
    return attributes


def _resource(settings: ServeSettings, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known of the pod and not said by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES."""
    said = environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    known = {
        "service.name": settings.deployment or settings.node or "mlflow-server",
        "k8s.namespace.name": settings.namespace,
        "k8s.pod.name": environ.get("HOSTNAME", "") if settings.deployment else "",
        "k8s.container.name": settings.node,
        "seldon.predictor": settings.predictor,
        "process.pid": os.getpid(),
    }
    if environ.get("OTEL_SERVICE_NAME"):
        del known["service.name"]
    return {name: value for name, value in known.items() if value and f"{name}=" not in said}
