"""How a benchmark can fail."""

from __future__ import annotations


class BenchFailed(Exception):
    """Nothing can be measured, or what was measured means nothing; the message says why."""
