"""The log of payloads: requests and responses as CloudEvents to an address, as Seldon's orchestrator sends them.

Each is in the binary content mode of HTTP.
"""

from __future__ import annotations

import itertools
import logging
import re
import threading
from collections import deque
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import urllib3

from server.errors import BadSetting
from server.settings import ServeSettings
from server.telemetry.call_record import CallRecord, Payload

log = logging.getLogger(__name__)

REQUEST = "io.seldon.serving.inference.request"
RESPONSE = "io.seldon.serving.inference.response"
FEEDBACK = "io.seldon.serving.feedback"
# What a header holds unescaped (the binding's 3.1.3.2).
_ESCAPED = re.compile("[^!#$&-~]|%")
# What a header of ours may cost, beside the body, in bytes of memory.
_HEADERS_BYTES = 1024
# How often an event is sent until it is given up, and how long the sink is left alone after a failure.
ATTEMPTS = 3
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
# Statuses of a sink that may take the event later.
LATER = frozenset((408, 429))


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


class PayloadLog:
    """Sends the payloads of predictions and feedback. Make it in the process that uses it: threads are not forked.

    ``sent`` counts events that the sink took, ``dropped`` those that found no place, ``failed`` those that it did not take.

    Args:
        settings: the settings whose names begin with ``payload_log``.

    Raises:
        BadSetting: the address is none of HTTP.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.sent = self.dropped = self.failed = 0
        self._url, self._headers = address(settings.payload_log_url)
        self._requests = settings.payload_log_mode != "response"
        self._responses = settings.payload_log_mode != "request"
        self._sample = settings.payload_log_sample
        self._most_events, self._most_bytes = settings.payload_log_events, settings.payload_log_bytes
        self._events = CloudEvents(settings)
        self._calls = itertools.count()
        self._queue: deque[CloudEvent] = deque()
        self._bytes = 0
        self._changed = threading.Condition(threading.Lock())
        self._ends = threading.Event()
        self._fails = False
        self._http = urllib3.PoolManager(
            maxsize=1, retries=False, timeout=urllib3.Timeout(settings.payload_log_seconds)
        )
        self._thread = threading.Thread(target=self._run, name="payloads", daemon=True)
        self._thread.start()

    def began(self, record: CallRecord) -> None:
        """Do nothing: a call is told of when it has ended."""

    def ended(self, record: CallRecord) -> None:
        """Queue the payloads of a prediction, a response only where it is an answer, or feedback, as the orchestrator does.

        Feedback goes with the responses, as its message holds one (executor/predictor/predictor_process.go), and is never left out.
        """
        if record.feeds_back and self._responses and record.request is not None:
            self._add(self._events.event(FEEDBACK, record, record.request))
        if not record.predicts or next(self._calls) % self._sample:
            return
        if self._requests and record.request is not None:
            self._add(self._events.event(REQUEST, record, record.request))
        if self._responses and record.response is not None and record.error is None:
            self._add(self._events.event(RESPONSE, record, record.response))

    def stop(self, seconds: float) -> None:
        """Send what is queued, for so many seconds at most."""
        with self._changed:
            self._ends.set()
            self._changed.notify()
        self._thread.join(seconds)

    def _add(self, event: CloudEvent) -> None:
        with self._changed:
            if len(self._queue) >= self._most_events or self._bytes + event.size > self._most_bytes:
                self.dropped += 1
                if self.dropped == 1:
                    log.warning(
                        "payloads are dropped: the sink takes them more slowly than they come; raise SERVER_PAYLOAD_LOG_SAMPLE, or watch "
                        "seldon_mlflow_server_payload_events_total"
                    )
                return
            self._queue.append(event)
            self._bytes += event.size
            self._changed.notify()

    def _run(self) -> None:
        delay = FIRST_DELAY
        while (event := self._next()) is not None:
            for attempt in range(1, ATTEMPTS + 1):
                why, may_be_sent_again = self._send(event)
                self._tell(why)
                if not why:
                    self.sent += 1
                    delay = FIRST_DELAY
                    break
                if not may_be_sent_again or attempt == ATTEMPTS or self._ends.wait(delay):
                    self.failed += 1
                    break
                delay = min(2 * delay, LONGEST_DELAY)
            with self._changed:
                self._queue.popleft()
                self._bytes -= event.size

    def _next(self) -> CloudEvent | None:
        """Wait for an event and return it, or None at the end; it counts until it is sent."""
        with self._changed:
            while not self._queue and not self._ends.is_set():
                self._changed.wait()
            return self._queue[0] if self._queue else None

    def _send(self, event: CloudEvent) -> tuple[str, bool]:
        """Send an event; return why the sink did not take it, or "", and whether it may take it later."""
        try:
            response = self._http.request(
                "POST", self._url, body=event.body, headers={**self._headers, **event.headers}, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            return f"it cannot be reached ({type(error).__name__})", True
        except Exception as error:  # noqa: BLE001  this event is lost, and no other
            return f"an event cannot be sent ({type(error).__name__})", False
        if 200 <= response.status < 300:
            return "", True
        return f"it answers {response.status}", response.status >= 500 or response.status in LATER

    def _tell(self, why: str) -> None:
        """Log when the sink begins to fail, and when it ends to."""
        if why and not self._fails:
            log.warning(
                "payloads cannot be logged: %s; what does not fit SERVER_PAYLOAD_LOG_BYTES or SERVER_PAYLOAD_LOG_EVENTS is dropped",
                why,
            )
        elif self._fails and not why:
            log.warning(
                "payloads are logged again; %d events found no place and %d were not taken",
                self.dropped,
                self.failed,
            )
        self._fails = bool(why)


def address(url: str) -> tuple[str, dict[str, str]]:
    """Return the address of a sink without the credentials that it may hold, and the headers that hold them.

    Raises:
        BadSetting: it is none of HTTP. The message does not repeat it.
    """
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # Of brackets, or of the port; its text has the address.
        right = False
    if not right:
        raise BadSetting(
            "SERVER_PAYLOAD_LOG_URL=(hidden): must be the address of a sink, as in http://broker.namespace/path"
        ) from None
    headers = {}
    if parts.username is not None:
        given = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = urllib3.make_headers(basic_auth=given)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), dict(headers)
