"""Start the model's process, keep it alive, and say what became of it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from server.errors import ModelNotLoaded
from server.model.control import Control
from server.model.launch import STOP_SECONDS, Launched

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
STEADY_SECONDS = 60.0

# Takes the server's ends of the channels to a process of the model, and what the model's process said of itself.
Deliver = Callable[[list[socket.socket], dict[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)


class ModelProcess:
    """The process that holds the model, restarted with back-off when it dies.

    Args:
        python: the interpreter of the model's environment.
        environ: its environment variables.
        hello: what to load, how, and by which methods it will be called (server.model.hello).
        setup: what else it is told before it serves, header and values (server.model.hello).
        deliver: takes the channels.
        launched: the first process, where it was started already and told ``hello``.
    """

    def __init__(
        self,
        python: Path,
        environ: dict[str, str],
        hello: dict[str, Any],
        setup: tuple[dict[str, Any], list[Any]],
        deliver: Deliver,
        launched: Launched | None = None,
    ) -> None:
        self._python = python
        self._environ = environ
        self._hello = hello
        self._setup = setup
        self._deliver = deliver
        self._launched = launched

    async def run(self) -> None:
        """Keep the process running until cancelled.

        Raises:
            ModelNotLoaded: the first attempt to load the model failed. Later ones are repeated with
                back-off, since the model is known to load.
        """
        loop = asyncio.get_running_loop()
        delay, loaded = FIRST_DELAY, False
        while True:
            started = loop.time()
            try:
                was_ready, end = await self._live()
            except OSError as error:
                was_ready, end = False, f"the model's process cannot be started: {error.strerror}"
            loaded = loaded or was_ready
            if not loaded:
                raise ModelNotLoaded(end)
            if was_ready and loop.time() - started > STEADY_SECONDS:
                delay = FIRST_DELAY
            log.error("%s; starting it again in %.1f s", end, delay)
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _live(self) -> tuple[bool, str]:
        """Run one process to its end; return whether it was ready and how it ended."""
        launched, self._launched = self._launched, None
        if launched is None:
            launched = Launched(self._python, self._environ)
            launched.tell(self._hello)
        launched.tell(*self._setup)
        control = Control(launched.sock)
        ready: dict[str, Any] | None = None
        failure = ""
        try:
            while True:
                header, sockets = await control.receive()
                if header["event"] == "failed":
                    failure = f"the model cannot be loaded in its environment: {header['type']}: {header['message']}"
                elif header["event"] == "ready":
                    ready = header
                    _report(ready)
                elif header["event"] == "ended":
                    how = _described(os.waitstatus_to_exitcode(header["status"]))
                    log.error(
                        "a process of the model ended %s; starting it again in %.1f s", how, header["seconds"]
                    )
                elif ready is not None:
                    await self._deliver(sockets, ready)
        except EOFError:
            pass
        except asyncio.CancelledError:
            if ready is None:
                launched.signal(signal.SIGTERM)  # It loads, and would see the socket's end only after that.
            raise
        finally:
            control.close()
            code = await self._end(launched)
        when = " while it loaded the model" if ready is None else ""
        return ready is not None, failure or f"the model's process ended {_described(code)}{when}"

    @staticmethod
    async def _end(launched: Launched) -> int:
        """Wait for a process whose socket is closed; one that is busy gets SIGTERM, then SIGKILL."""
        pid = launched.process.pid
        # It is not reaped yet, so that its number stays that of the processes that it forked.
        ending = asyncio.ensure_future(asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT))
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                launched.signal(number)
            await asyncio.wait((ending,), timeout=STOP_SECONDS)
            if ending.done():
                break
        await ending
        launched.signal(signal.SIGKILL)  # Those that it forked, where it died itself.
        return launched.process.wait()


def _report(ready: dict[str, Any]) -> None:
    for note in ready["notes"]:
        log.warning("%s", note)
    methods = sorted(set(ready["methods"].values()))
    together = ", ".join(ready["batched"]) or "none"
    log.info(
        "model %s loaded in %s s on Python %s; it is called by %s, several calls at once by %s",
        *(ready["type"], ready["seconds"], ready["python"], ", ".join(methods), together),
    )


def _described(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
