"""What a process of the server has observe its calls, as the settings say: access log, traces, log of payloads."""

from __future__ import annotations

import importlib
import time
from typing import Any
from urllib.parse import urlsplit

from server.errors import BadSetting
from server.settings import ServeSettings
from server.telemetry import log_writer
from server.telemetry.access_log import AccessLog
from server.telemetry.call_record import Observer, Telemetry

# How long what is left may take to be sent and written when a process ends.
END_SECONDS = 2.0
PROTOCOL = "http/protobuf"
TRACING = "server.telemetry.tracing"


def check(settings: ServeSettings) -> None:
    """Check the settings, and import what they need, before processes are forked that share it.

    Raises:
        BadSetting: one cannot be followed.
    """
    if settings.payload_log_url:
        from server.telemetry.payload_log import address

        address(settings.payload_log_url)
    if sends_traces(settings):
        importlib.import_module(TRACING)


def sends_traces(settings: ServeSettings) -> bool:
    """Return whether traces are sent: there is an address or OTEL_TRACES_EXPORTER, and nothing switches them off.

    Raises:
        BadSetting: they would be sent by a protocol that is not here.
    """
    if settings.otel_disabled or settings.traces_exporter == "none":
        return False
    if not settings.otlp_endpoint and not settings.traces_exporter:
        return False
    if settings.otlp_protocol != PROTOCOL:
        raise BadSetting(
            f"OTEL_EXPORTER_OTLP_PROTOCOL={settings.otlp_protocol!r}: must be {PROTOCOL}, at a collector's port for that, as in "
            "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318; OTEL_TRACES_EXPORTER=none sends no traces"
        )
    if settings.otlp_endpoint and urlsplit(settings.otlp_endpoint).scheme not in ("http", "https"):
        raise BadSetting("OTEL_EXPORTER_OTLP_ENDPOINT=(hidden): must be a URL, as in http://collector:4318")
    return True


class Observing:
    """The observers of this process, from now until ``stop``.

    Make it after the fork: each has threads of its own.
    """

    def __init__(self, telemetry: Telemetry, settings: ServeSettings) -> None:
        self._telemetry = telemetry
        self._before = list(telemetry.observers)
        first: list[Observer] = []
        self._tracing: Any = None
        self._payload_log = None
        if sends_traces(settings):
            self._tracing = importlib.import_module(TRACING).Tracing(settings)
            first.append(self._tracing)  # It gives a call its trace id, which the others note.
        if settings.access_log != "off" or settings.access_log_sample:
            first.append(AccessLog(settings))
        if settings.payload_log_url:
            from server.telemetry.payload_log import PayloadLog

            self._payload_log = PayloadLog(settings)
            first.append(self._payload_log)
        # The last: an error of those above ends the process, and is logged without a thread.
        self._log = log_writer.handler()
        if self._log is not None:
            self._log.start()
        telemetry.observers[:0] = first
        telemetry.keeps_payloads = bool(settings.payload_log_url) or settings.access_log_payload_bytes > 0

    @property
    def payload_events(self) -> dict[str, int]:
        """How many events of the log of payloads were sent, dropped, or not taken by the sink."""
        log = self._payload_log
        return {} if log is None else {"sent": log.sent, "dropped": log.dropped, "failed": log.failed}

    @property
    def spans(self) -> dict[str, int]:
        """How many spans were sent, dropped, or not taken by the collector."""
        tracing = self._tracing
        return {} if tracing is None else tracing.spans

    @property
    def dropped_lines(self) -> int:
        """How many lines of the log were dropped, since nobody read them."""
        return 0 if self._log is None else self._log.dropped

    def stop(self) -> None:
        """Send and write what is left, for ``END_SECONDS`` at most; it blocks."""
        end = time.monotonic() + END_SECONDS
        for sender in (self._tracing, self._payload_log, self._log):
            if sender is not None:
                # The log has a moment in any case.
                sender.stop(max(0.1, end - time.monotonic()))
        self._telemetry.observers[:] = self._before
        self._telemetry.keeps_payloads = False
