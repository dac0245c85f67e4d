"""How the overlays of a run are: what each is, how far its start is, what it was asked, told to who follows as it changes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

STARTING, READY, FAILED = "starting", "ready", "failed"
WAITING, RUNNING, DONE, STOPPED = "waiting", "running", "done", "stopped"
# Of each deployment, the last ones.
CALLS = 50


@dataclass
class Step:
    """The start of a container with its ``verb``: ``state`` is waiting, running, done, failed or stopped; it took ``seconds``."""

    container: str
    verb: str
    state: str = WAITING
    seconds: float | None = None


@dataclass(frozen=True)
class Call:
    """A request that the gateway has answered, ``at`` seconds since 1970."""

    at: float
    method: str
    path: str
    status: int
    seconds: float


@dataclass
class OverlayStatus:
    """One overlay: ``description`` is what it says of itself (gitops.local.description), empty until it is read.

    ``reason`` is why it failed, in one line, and ``detail`` what more is known, such as the end of a container's log.
    """

    name: str
    state: str = STARTING
    reason: str = ""
    detail: str = ""
    description: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=CALLS))

    def json(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        return {
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "detail": self.detail,
            **self.description,
            "steps": [asdict(step) for step in self.steps.values()],
            "calls": [asdict(call) for call in self.calls],
        }


class Follower:
    """Who is told which overlays have changed since it asked last."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._changed = asyncio.Event()
        self.ended = False

    def tell(self, name: str) -> None:
        """Note that an overlay has changed."""
        self._names.add(name)
        self._changed.set()

    def end(self) -> None:
        """Note that there will be no more changes."""
        self.ended = True
        self._changed.set()

    async def changes(self) -> set[str]:
        """Wait until something has changed, and return the overlays that did; none once it has ended."""
        await self._changed.wait()
        self._changed.clear()
        names, self._names = self._names, set()
        return names


class Status:
    """The overlays ``names`` of a run."""

    def __init__(self, names: Sequence[str]) -> None:
        self.overlays = {name: OverlayStatus(name) for name in names}
        self._followers: set[Follower] = set()

    def describe(self, name: str, description: dict[str, Any]) -> None:
        """Note what an overlay is."""
        self.overlays[name].description = description
        self._tell(name)

    def expect(self, name: str, steps: Sequence[Step]) -> None:
        """Note the steps in which an overlay starts."""
        self.overlays[name].steps = {step.container: step for step in steps}
        self._tell(name)

    @contextmanager
    def step(self, name: str, container: str) -> Iterator[None]:
        """Note that a container is being started, and when the block ends, whether that failed and how long it took."""
        step, began = self.overlays[name].steps[container], time.monotonic()
        step.state = RUNNING
        self._tell(name)
        try:
            yield
            step.state = DONE
        except asyncio.CancelledError:
            step.state = STOPPED  # Because another one failed.
            raise
        except Exception:
            step.state = FAILED
            raise
        finally:
            step.seconds = time.monotonic() - began
            self._tell(name)

    def ready(self, name: str) -> None:
        """Note that an overlay answers."""
        self.overlays[name].state = READY
        self._tell(name)

    def failed(self, name: str, error: Exception) -> None:
        """Note that an overlay does not run, and why."""
        overlay = self.overlays[name]
        overlay.state = FAILED
        overlay.reason, _, overlay.detail = str(error).partition("\n")
        self._tell(name)

    def called(self, path: str, call: Call) -> None:
        """Note a request to the deployment whose path this is."""
        for overlay in self.overlays.values():
            if overlay.description.get("path") == path:
                overlay.calls.append(call)
                self._tell(overlay.name)

    @contextmanager
    def follow(self) -> Iterator[Follower]:
        """Tell a follower of changes until the block ends."""
        follower = Follower()
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    def end(self) -> None:
        """Tell all followers that nothing will change any more."""
        for follower in self._followers:
            follower.end()

    def _tell(self, name: str) -> None:
        for follower in self._followers:
            follower.tell(name)
