"""A forked process of the server: one more for REST, so that more than one CPU parses, that of large requests, or of gRPC."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence

from server.errors import ServerError, ServerProcessEnded
from server.model.client import Report
from server.model.control_socket import ControlSocket

log = logging.getLogger(__name__)


class ServerProcess:
    """A process forked from the first one, which it ends with.

    It is not started again when it dies: the first process has threads by then, which a fork would not have. So the
    server ends with it, and the kubelet starts all of it again.

    Args:
        work: what it does with its end of a socket to the first process, until that is closed.
        left: sockets of the first process that it closes.
    """

    def __init__(self, work: Callable[[socket.socket], None], left: Sequence[socket.socket]) -> None:
        self.sock, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            _work(work, theirs, (self.sock, *left))
        theirs.close()
        self.control = ControlSocket(self.sock)
        # Set when it accepts calls.
        self.opened = asyncio.Event()
        self._reaping: asyncio.Task[int] | None = None

    async def run(self, failed: Report) -> None:
        """Wait for its exit; call ``failed`` with the model process that it reports as failed (server.model.client).

        Raises:
            ServerProcessEnded: it has ended, before it was to.
        """
        try:
            while True:
                said, _ = await self.control.receive()
                if said["event"] == "opened":
                    self.opened.set()
                elif said["event"] == "failed":
                    failed(said["pid"], said["why"], said["reason"])
        except EOFError:
            code = os.waitstatus_to_exitcode(await asyncio.shield(self._reaped()))
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        raise ServerProcessEnded(f"a process of the server ended {how}: the server ends, to be started again")

    async def end(self, seconds: float) -> None:
        """Drain it, and kill it after so many seconds."""
        self.control.finish()
        reaped = self._reaped()
        await asyncio.wait((reaped,), timeout=seconds)
        if not reaped.done():
            os.kill(self.pid, signal.SIGKILL)
        await reaped

    def _reaped(self) -> asyncio.Task[int]:
        """Return the task that waits for its end, and has its status."""
        if self._reaping is None:
            self._reaping = asyncio.create_task(asyncio.to_thread(self._wait))
        return self._reaping

    def _wait(self) -> int:
        return os.waitpid(self.pid, 0)[1]


def _work(work: Callable[[socket.socket], None], sock: socket.socket, left: Sequence[socket.socket]) -> None:
    """Do the work and exit, without the first process's exit handlers."""
    code = 1
    try:
        for each in left:
            each.close()
        work(sock)
        code = 0
    except ServerError as error:
        log.error("%s", error)
    except Exception:
        log.exception("a process of the server cannot go on")
    finally:
        os._exit(code)
