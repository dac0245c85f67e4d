"""Start the model's process, keep it alive, and say what became of it."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
from pathlib import Path
from typing import Any

from server.errors import ModelNotLoaded, NotReady
from server.model.channel import Channel, Result
from server.model.launch import STOP_SECONDS, Launched
from server.model.readiness import Readiness

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
STEADY_SECONDS = 60.0

NOT_LOADED = "the model is not loaded; send the request again when /health/status answers 200"

log = logging.getLogger(__name__)


class ModelProcess:
    """The process that holds the model, restarted with back-off when it dies.

    Args:
        python: the interpreter of the model's environment.
        hello: what to load, how, and by which methods it will be called (server.model.launch).
        launched: the first process, where it was started already and told so.
    """

    def __init__(self, python: Path, hello: dict[str, Any], launched: Launched | None = None) -> None:
        self._python = python
        self._hello = hello
        self._launched = launched
        self._channel: Channel | None = None
        self.readiness = Readiness()
        self._methods: dict[str, str] = {}

    @property
    def ready(self) -> bool:
        """Whether the model is loaded and its process alive."""
        return bool(self.readiness)

    async def call(self, role: str, header: dict[str, Any], values: list[Any]) -> Result:
        """Call the model's method for ``role`` once.

        Raises:
            NotReady: the model is not loaded (yet, or again), or its process died during the call.
            ModelFailed: the model raised.
        """
        if self._channel is None:
            raise NotReady(NOT_LOADED)
        return await self._channel.call({**header, "method": self._methods[role]}, values)

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
            was_ready, end = await self._live()
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
            launched = Launched(self._python)
            launched.tell(self._hello)
        channel = await Channel.open(launched.sock)
        failure: str | None = ""
        try:
            failure = await self._greet(channel)
            if failure is None:
                self._channel = channel
                self.readiness.set(True)
                await channel.answer_calls()
        except asyncio.CancelledError:
            if self._channel is None:
                launched.process.terminate()  # It loads, and would see the socket's end only after that.
            raise
        finally:
            self._channel = None
            self.readiness.set(False)
            channel.close()
            code = await self._end(launched.process)
        when = "" if failure is None else " while it loaded the model"
        return failure is None, failure or f"the model's process ended {_described(code)}{when}"

    async def _greet(self, channel: Channel) -> str | None:
        """Wait for the worker; return None when it is ready, else what it says of why not."""
        try:
            header, _ = await channel.receive()
        except (asyncio.IncompleteReadError, ConnectionError):
            return ""
        if header["event"] == "failed":
            return f"the model cannot be loaded in its environment: {header['type']}: {header['message']}"
        self._methods = header["methods"]
        log.info(
            "model %s loaded in %s s on Python %s; it is called by %s",
            *(header["type"], header["seconds"], header["python"]),
            ", ".join(sorted(set(self._methods.values()))),
        )
        return None

    @staticmethod
    async def _end(process: subprocess.Popen[bytes]) -> int:
        """Wait for a process whose socket is closed; one that is busy gets SIGTERM, then SIGKILL."""
        waiting = asyncio.ensure_future(asyncio.to_thread(process.wait))
        for send in (None, process.terminate, process.kill):
            if send is not None:
                send()
            await asyncio.wait((waiting,), timeout=STOP_SECONDS)
            if waiting.done():
                break
        return await waiting


def _described(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
