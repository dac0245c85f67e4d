"""Start the model's process, keep it alive, and say what became of it."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import server.model.worker
from server.errors import ModelNotLoaded, NotReady
from server.model.channel import Channel, Result
from server.model.readiness import Readiness

WORKER = Path(server.model.worker.__file__).with_name("__main__.py")
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
STEADY_SECONDS = 60.0
STOP_SECONDS = 5.0

NOT_LOADED = "the model is not loaded; send the request again when /health/status answers 200"

log = logging.getLogger(__name__)


class ModelProcess:
    """The process that holds the model, restarted with back-off when it dies.

    Args:
        python: the interpreter of the model's environment.
        folder: the model folder.
        plan: how to load it (server.model.plan).
        methods: for each role of a call, the methods that may answer it, best first.
    """

    def __init__(
        self, python: Path, folder: Path, plan: dict[str, Any], methods: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._python = python
        self._hello = {"folder": str(folder), "plan": plan, "methods": dict(methods)}
        self._process: asyncio.subprocess.Process | None = None
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
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *(str(self._python), "-I", str(WORKER), str(theirs.fileno())),
                    pass_fds=[theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the server, which then ends the worker.
                )
            except OSError as error:
                ours.close()
                raise ModelNotLoaded(
                    f"{self._python} cannot be started ({error.strerror}): it must be the interpreter that "
                    "`environment` made; run `python -m server environment MODEL ENV` first"
                ) from error
        channel = await Channel.open(ours)
        failure: str | None = ""
        try:
            failure = await self._greet(channel)
            if failure is None:
                self._channel = channel
                self.readiness.set(True)
                await channel.answer_calls()
        except asyncio.CancelledError:
            if self._channel is None and self._process.returncode is None:
                self._process.terminate()  # It loads, and would see the socket's end only after that.
            raise
        finally:
            self._channel = None
            self.readiness.set(False)
            channel.close()
            code = await self._end(self._process)
        when = "" if failure is None else " while it loaded the model"
        return failure is None, failure or f"the model's process ended {_described(code)}{when}"

    async def _greet(self, channel: Channel) -> str | None:
        """Tell the worker what to load and wait; return None when it is ready, else what it says of why not."""
        try:
            await channel.send(self._hello, [])
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
    async def _end(process: asyncio.subprocess.Process) -> int:
        """Wait for a process whose socket is closed; one that is busy gets SIGTERM, then SIGKILL."""
        for send in (None, process.terminate, process.kill):
            if send is not None and process.returncode is None:
                send()
            try:
                return await asyncio.wait_for(asyncio.shield(process.wait()), STOP_SECONDS)
            except TimeoutError:
                continue
        return await process.wait()


def _described(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
