"""What can be wrong in a run."""

from __future__ import annotations


class E2eError(Exception):
    """The run cannot begin, or found something wrong; the message names it and what to do."""
