"""The process group of a run: nothing that the run started outlives it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from types import TracebackType
from typing import Self

from gitops.local import guard


class ProcessGroup:
    """A process group for everything that a run starts; an asynchronous context manager.

    At its end, and also when this process is killed, every process of the group is ended. A terminal's
    Ctrl-C does not reach the group, so the run decides in which order its processes stop.
    """

    _leader: asyncio.subprocess.Process

    @property
    def id(self) -> int:
        """The group's number, for the argument ``process_group`` of what is started."""
        return self._leader.pid

    async def __aenter__(self) -> Self:
        self._leader = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__),
            stdin=asyncio.subprocess.PIPE,
            process_group=0,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The leader is in the group and not waited for yet, so the number is still this group's.
        os.killpg(self.id, signal.SIGKILL)
        await self._leader.wait()
