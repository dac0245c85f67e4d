"""The traceparent header of a request: which trace it belongs to.

Format: https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

import re
from typing import NamedTuple

HEADER = "traceparent"
# A later version may have more behind the flags, after a dash.
_FORMAT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?", re.ASCII)
_SAMPLED = 0x01


class TraceParent(NamedTuple):
    """The span of the client that a request belongs to: ids in hexadecimal, and whether the client records it."""

    trace_id: str
    span_id: str
    sampled: bool


def trace_parent(header: str) -> TraceParent | None:
    """Return what a traceparent header says, or None where it is not valid, as if there were none."""
    found = _FORMAT.fullmatch(header.strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    if not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return TraceParent(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))
