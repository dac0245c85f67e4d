"""Waiting for what another process or thread does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# A busy machine takes its time.
MOST_SECONDS = 60


def wait_for(condition: Callable[[], T]) -> T:
    """Return what ``condition`` returns as soon as that is true; fail when it never is."""
    end = time.monotonic() + MOST_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found
