"""A container as a process: started, its log kept, stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

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
        """Say how the process ended, with the last lines of its log."""
        code = self._process.returncode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"ended with {how}\n{self.last_lines()}"

    def last_lines(self) -> str:
        """Return the end of the log, under a heading."""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        if not lines:
            return f"it logged nothing in {self.log}"
        return "\n".join([f"the end of {self.log}:", *(f"  | {line}" for line in lines)])
