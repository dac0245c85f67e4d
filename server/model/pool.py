"""The channels of one edge to the processes of the model that run."""

from __future__ import annotations

from server.model.batch import Call
from server.model.channel import Channel


class Pool:
    """Channels to the processes of the model; whichever has the most room gets the next batch.

    Args:
        most_held: how many batches a process may hold.
    """

    def __init__(self, most_held: int) -> None:
        self._most_held = most_held
        self._channels: list[Channel] = []

    def __bool__(self) -> bool:
        """Return whether there is a channel."""
        return bool(self._channels)

    def add(self, channel: Channel) -> None:
        """Take a channel."""
        self._channels.append(channel)

    def leave(self) -> None:
        """Leave the channels whose process is gone."""
        self._channels = [channel for channel in self._channels if channel.open]

    def with_room(self) -> Channel | None:
        """Return the channel whose process holds the fewest batches, or None where it has as many as it may have."""
        channel = min(self._channels, key=lambda each: each.load, default=None)
        return channel if channel is not None and channel.load < self._most_held else None

    @property
    def awaited(self) -> bool:
        """Whether a process holds something, whose answer is to come."""
        return any(channel.held for channel in self._channels)

    def silent(self, now: float, seconds: float) -> list[Channel]:
        """Return the channels whose process has owed an answer for so many seconds a call and said nothing."""
        return [channel for channel in self._channels if channel.silent(now) >= seconds]

    def longest_silence(self, now: float) -> float:
        """Return for how many seconds a call a process at most has owed an answer and said nothing."""
        return max((channel.silent(now) for channel in self._channels), default=0.0)

    def drop(self, call: Call) -> None:
        """Take notice that nobody awaits a call any more, whichever process holds it."""
        for channel in self._channels:
            channel.drop(call)

    def close(self) -> None:
        """Close every channel."""
        for channel in self._channels:
            channel.close()
