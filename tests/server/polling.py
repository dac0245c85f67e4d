"""Waiting for what a server does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

# A busy machine takes its time.
MOST_SECONDS = 60


def wait_for(condition: Callable[[], object]) -> None:
    """Return when ``condition`` holds; fail when it never does."""
    end = time.monotonic() + MOST_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
