"""The access log: a line for a call that has ended. By default those that failed or were slow have one."""

from __future__ import annotations

import itertools
import logging
from typing import Any
from urllib.parse import unquote

from server.settings import ServeSettings
from server.telemetry.call_record import CallRecord, Payload
from server.telemetry.log_lines import FIELDS, escaped

log = logging.getLogger("access")


def failed(record: CallRecord) -> bool:
    """Return whether a call was not answered as it asked: a status from 400 on, or a code that is not OK."""
    return record.code != "OK" if record.interface == "grpc" else record.code >= "400"


class AccessLog:
    """Writes the lines. Of the calls that its level leaves out it takes the first of so many, and then one in so many.

    Args:
        settings: ``access_log`` and the settings named after it.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._level = settings.access_log
        self._slow = settings.access_log_slow_milliseconds / 1000 or float("inf")
        self._sample = settings.access_log_sample
        self._payload_bytes = settings.access_log_payload_bytes
        self._others = itertools.count()

    def began(self, record: CallRecord) -> None:
        """Do nothing: a call is told of when it has ended."""

    def ended(self, record: CallRecord) -> None:
        """Write the call's line, if it has one."""
        bad, slow = failed(record), record.seconds >= self._slow
        told = self._level == "all" or (bad and self._level != "off") or (slow and self._level == "slow")
        if told or self._is_sampled():
            # What is the server's or the model's fault has a line of its own, of level ERROR.
            level = logging.WARNING if bad or slow else logging.INFO
            if log.isEnabledFor(level):
                log.log(level, "%s", _call(record), extra={FIELDS: self._fields(record)})

    def _is_sampled(self) -> bool:
        return self._sample > 0 and next(self._others) % self._sample == 0

    def _fields(self, record: CallRecord) -> dict[str, Any]:
        fields: dict[str, Any] = {"interface": record.interface}
        if record.http_method:
            fields["method"] = escaped(record.http_method, 16)
        fields |= {
            "path": escaped(record.path),
            "code": record.code,
            "puid": escaped(record.puid),
            "trace_id": record.trace_id,
            "request_bytes": record.request_bytes,
            "response_bytes": record.response_bytes,
            "rows": record.rows,
            "batch_calls": record.batch_calls,
            "batch_rows": record.batch_rows,
            "queue_seconds": round(record.queue_seconds, 6),
            "model_seconds": round(record.model_seconds, 6),
            "seconds": round(record.seconds, 6),
            "client": address(record.client),
        }
        if record.error is not None:
            fields["error"] = type(record.error).__name__
        if self._payload_bytes:
            for name, payload in (("request", record.request), ("response", record.response)):
                if payload is not None:
                    fields[name] = self._shown(payload)
        return fields

    def _shown(self, payload: Payload) -> str:
        return escaped(
            payload.content[: self._payload_bytes].decode("utf-8", "backslashreplace"), self._payload_bytes
        )


def _call(record: CallRecord) -> str:
    """Return what was called, as far as that is known, and its code."""
    said = (escaped(record.http_method, 16), escaped(record.path), record.code)
    return " ".join(filter(None, said))


def address(client: str) -> str:
    """Return a client's address without its port, which gRPC puts behind it (ipv4:10.0.0.1:5000, ipv6:%5B::1%5D:5000)."""
    kind, colon, rest = client.partition(":")
    if not colon or kind not in ("ipv4", "ipv6"):
        return escaped(client)
    return escaped(unquote(rest).rpartition(":")[0].strip("[]"))
