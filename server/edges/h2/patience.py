"""How much a client may have the server do for nothing.

Source: https://www.rfc-editor.org/rfc/rfc9113#section-10.5
"""

from __future__ import annotations

from server.edges.connections import Connections
from server.edges.h2.budget import Budget
from server.edges.h2.codes import ErrorCode, H2Error

# Frames that ask for nothing: so many at once, per second, and for each stream that is answered.
CONTROL_FRAMES, CONTROL_RATE, CONTROL_PER_ANSWER = 10_000, 1000, 8
# Requests that are taken back or go wrong: so many at once, per second, and for each that is answered.
RESETS, RESET_RATE, RESET_PER_ANSWER = 1000, 33, 1


class Patience:
    """What is left of it with one connection."""

    def __init__(self, clock: Connections) -> None:
        self._clock = clock
        self._control = Budget(CONTROL_FRAMES, CONTROL_RATE)
        self._resets = Budget(RESETS, RESET_RATE)

    def answered(self) -> None:
        """Have more, for a stream that was answered."""
        self._control.earn(CONTROL_PER_ANSWER)
        self._resets.earn(RESET_PER_ANSWER)

    def reset(self) -> None:
        """Have less, for a stream that the client has taken back, or what it did wrong has ended.

        Raises:
            H2Error: there were too many.
        """
        if not self._resets.spend(1, self._clock.now):
            raise H2Error(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"more than {RESETS} requests were taken back, and {RESET_RATE} per second",
            )

    def control(self, amount: int = 1) -> None:
        """Have less, for a frame that asks for nothing.

        Raises:
            H2Error: there were too many.
        """
        if not self._control.spend(amount, self._clock.now):
            raise H2Error(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"more than {CONTROL_FRAMES} frames asked for nothing, and {CONTROL_RATE} per second",
            )
