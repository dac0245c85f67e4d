"""Detect the exit of the model's process (SIGCHLD), and reap its orphans."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

from server.model import orphans

# How often orphans are looked for again, as some fork while others are killed.
ROUNDS, ROUND_SECONDS = 100, 0.02

log = logging.getLogger(__name__)


class Reaper:
    """Waits for the end of one process at a time, and reaps the orphans of those before it.

    A process whose socket is open somewhere may have ended, and one whose socket is closed may run: its status counts.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._ended = asyncio.Event()

    def __enter__(self) -> Reaper:
        loop = asyncio.get_running_loop()
        # uvloop's own way to listen for signals leaves out this one.
        self._before = signal.signal(signal.SIGCHLD, lambda *_: loop.call_soon_threadsafe(self._check))
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGCHLD, self._before)

    def watch(self, pid: int) -> None:
        """Wait for the end of a process from now on."""
        self._pid = pid
        self._ended.clear()
        self._check()

    async def ended(self) -> None:
        """Return when the process has ended; it is not reaped yet, so that its number stays its own."""
        await self._ended.wait()

    async def end_orphans(self) -> None:
        """Kill the orphans that are left when the process has been reaped."""
        self._pid = 0
        for _ in range(ROUNDS):
            try:
                if not orphans.kill(0):
                    return
            except OSError as error:
                log.warning("processes that the model has started cannot be looked for yet: %s", error)
            await asyncio.sleep(ROUND_SECONDS)
        log.error("processes that the model has started cannot be killed")

    def _check(self) -> None:
        if self._pid and not self._ended.is_set():
            try:
                over = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
            except ChildProcessError:
                over = True
            if over:
                self._ended.set()
        try:
            orphans.reap(self._pid)
        except OSError:
            return  # Without descriptors /proc cannot be read: orphans are reaped when the process has ended.
