"""Processes of a run: containers as processes, their process group, and coroutines that fail together."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from gitops.local import group_leader

STOP_SECONDS = 5.0
LAST_LINES = 15


class Process:
    """A running process whose output goes to the file ``log``."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @classmethod
    async def start(
        cls, arguments: Sequence[str], environ: Mapping[str, str], *, folder: Path, log: Path, group: int
    ) -> Process:
        """Start ``arguments`` in ``folder``, as a member of the process group ``group``."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                cwd=folder,
                env=dict(environ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                process_group=group,
            )
        return cls(process, log)

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Return the exit code once the process has ended; a signal's is negative."""
        return await self._process.wait()

    async def stop(self) -> None:
        """End the process: SIGTERM, and SIGKILL if that is not enough within a few seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.running:
                return
            self._process.send_signal(number)
            try:
                await asyncio.wait_for(self.wait(), STOP_SECONDS)
            except TimeoutError:
                continue

    def ending(self) -> str:
        """Return how the process ended, with the last lines of its log."""
        code = self._process.returncode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"ended with {how}\n{self.last_lines()}"

    def last_lines(self) -> str:
        """Return the end of the log, under a heading."""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        if not lines:
            return f"it logged nothing in {self.log}"
        return "\n".join([f"the end of {self.log}:", *(f"  | {line}" for line in lines)])


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
            *(sys.executable, "-I", "-S", group_leader.__file__),
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


async def run_all(*work: Coroutine[None, None, None]) -> None:
    """Run all of ``work`` to its end. The first exception cancels the rest and is raised as it is."""
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for entry in work:
                group.create_task(entry)
    except BaseExceptionGroup as failures:
        failure = failures.exceptions[0]
    # Raised here, so that it keeps its own cause and not the group.
    if failure is not None:
        raise failure
