"""Start the model's process, detect its exit (SIGCHLD), and restart it with back-off when it ends or is killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.errors import ModelNotLoaded
from server.ipc.wire import BadFrame
from server.model.control_socket import ControlSocket
from server.model.handshake import Example
from server.model.worker_control import Deliver, WorkerControl, described
from server.model.worker_process import STOP_SECONDS, WorkerProcess, kill_orphans, reap_orphans
from server.operating_system import has_ended
from server.telemetry.labels import EndReason, ProcessObserver

log = logging.getLogger(__name__)

# How often orphans are looked for again, as some fork while others are killed.
ROUNDS, ROUND_SECONDS = 100, 0.02
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
STEADY_SECONDS = 60.0


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
                if not kill_orphans(0):
                    return
            except OSError as error:
                log.warning("processes that the model has started cannot be looked for yet: %s", error)
            await asyncio.sleep(ROUND_SECONDS)
        log.error("processes that the model has started cannot be killed")

    def _check(self) -> None:
        if self._pid and not self._ended.is_set() and has_ended(self._pid):
            self._ended.set()
        try:
            reap_orphans(self._pid)
        except OSError:
            return  # Without descriptors /proc cannot be read: orphans are reaped when the process has ended.


class Supervisor:
    """The process that holds the model, judged by what it does, and restarted with back-off when it dies or is killed.

    Args:
        python: the interpreter of the model's environment.
        environ: its environment variables.
        handshake: what to load, how, and by which methods it will be called (server.model.handshake).
        setup: the second frame of the handshake (server.model.handshake).
        example: the call of the batch check, sent on request.
        deliver: called with the connections to a new process of the model.
        announce: called with the reason why the model is not loaded any more.
        load_seconds: how long a process may take to load the model.
        count: how many processes answer calls.
        worker: the first process, if it was started already and has the handshake.
        observer: is told of the processes.
        left: called with the pid of one of several processes that has ended: what it has forked may keep its connections open.
    """

    def __init__(
        self,
        python: Path,
        environ: dict[str, str],
        handshake: dict[str, Any],
        setup: dict[str, Any],
        example: Example | None,
        deliver: Deliver,
        announce: Callable[[str], None],
        load_seconds: float,
        count: int = 1,
        worker: WorkerProcess | None = None,
        observer: ProcessObserver | None = None,
        left: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self._observer = observer
        self._python = python
        self._environ = environ
        self._handshake = handshake
        self._setup = setup
        self._example = example
        self._deliver = deliver
        self._announce = announce
        self._left = left
        self._load_seconds = load_seconds
        self._count = count
        self._started = worker
        self._reaper = Reaper()
        # The running process, those that it has started and that answer calls (as it reports), and why it is killed.
        self._running: WorkerProcess | None = None
        self._forked: set[int] = set()
        self._control: WorkerControl | None = None
        self._kill_reason = ""
        # Why the running process ends, or one forked from it, where that is the server's doing.
        self._reasons: dict[int, str] = {}

    def fail(self, pid: int, why: str, reason: str = EndReason.HUNG) -> None:
        """Kill a process that hangs or violates the protocol: the one that loaded the model, or one forked from it.

        ``reason`` is one of EndReason.
        """
        running = self._running
        if running is None or self._kill_reason:
            return
        loader = running.process.pid  # It counts among those forked where it is the only one.
        if pid != loader and pid in self._forked and _group(pid) == loader:
            log.error("process %d of the model is killed, since %s", pid, why)
            self._forked.discard(pid)
            self._reasons[pid] = reason
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        elif pid in (loader, *self._forked):
            self._kill_reason = why
            self._reasons[loader] = reason
            running.signal(signal.SIGKILL)

    async def run(self) -> None:
        """Keep the process running until cancelled.

        Raises:
            ModelNotLoaded: the first attempt to load the model failed. Later ones are repeated with
                back-off, since the model is known to load.
        """
        loop = asyncio.get_running_loop()
        delay, loaded = FIRST_DELAY, False
        with self._reaper:
            while True:
                started = loop.time()
                try:
                    was_ready, end, reason = await self._run_once()
                except OSError as error:
                    end, reason = (
                        f"the model's process cannot be started: {error.strerror}",
                        EndReason.NOT_STARTED,
                    )
                    was_ready = False
                loaded = loaded or was_ready
                if not loaded:
                    raise ModelNotLoaded(end)
                if was_ready and loop.time() - started > STEADY_SECONDS:
                    delay = FIRST_DELAY
                log.error("%s; starting it again in %.1f s", end, delay)
                self._announce(end)
                if self._observer is not None:
                    self._observer.restarted(reason)
                await asyncio.sleep(delay)
                delay = min(2 * delay, LONGEST_DELAY)

    async def _run_once(self) -> tuple[bool, str, str]:
        """Run one process to its end; return whether it was ready, how it ended, and which of EndReason that is."""
        worker, self._started = self._started, None
        greeted = worker is not None
        if worker is None:
            worker = WorkerProcess(self._python, self._environ, self._count)
        self._running, self._forked, self._kill_reason, self._reasons = worker, set(), "", {}
        self._reaper.watch(worker.process.pid)
        control = WorkerControl(
            ControlSocket(worker.sock), self._deliver, self._example, self._forked, self._changed
        )
        self._control = control
        self._tell_running()
        controlling = asyncio.create_task(control.run(*([] if greeted else [self._handshake]), self._setup))
        ended = asyncio.create_task(self._reaper.ended())
        loading = asyncio.get_running_loop().call_later(self._load_seconds, self._out_of_time, control)
        try:
            await asyncio.wait((controlling, ended), return_when=asyncio.FIRST_COMPLETED)
            if not controlling.done():
                # Frames sent before its exit are still read; none may follow, even if a child inherited the socket.
                worker.shut()
            await controlling
        except BadFrame as error:
            self._kill_reason = f"it broke the rules of its connection to the server: {error}"
            self._reasons[worker.process.pid] = EndReason.PROTOCOL
        except asyncio.CancelledError:
            if control.ready is None:
                worker.signal(signal.SIGTERM)  # It loads, and would see the socket's end only after that.
            raise
        finally:
            loading.cancel()
            for task in (controlling, ended):
                task.cancel()
            await asyncio.gather(controlling, ended, return_exceptions=True)
            control.connection.close()
            ending = asyncio.create_task(self._end(worker))
            try:
                code = await asyncio.shield(ending)
            except asyncio.CancelledError:
                await ending  # Nothing of it may be left, also where the server ends meanwhile.
                raise
        when = " while it loaded the model" if control.ready is None else ""
        reason = self._reasons.get(worker.process.pid, _reason(code))
        if self._kill_reason:
            end = f"the model's process was killed{when}, since {self._kill_reason}"
        elif control.failure:
            end, reason = control.failure, EndReason.LOAD_FAILED
        else:
            end = f"the model's process ended {described(code)}{when}"
        return control.ready is not None, end, reason

    def _changed(self, ended: int, code: int, told: str) -> None:
        """Tell of a change among the processes: the model is loaded, or one has begun or ended, with a code and perhaps a reason."""
        if ended:
            self._left(ended)
            reason = self._reasons.pop(ended, told if told in tuple(EndReason) else _reason(code))
            if self._observer is not None:
                self._observer.restarted(reason)
        self._tell_running()

    def _tell_running(self) -> None:
        if self._observer is not None and self._running is not None:
            ready = self._control.ready if self._control else None
            loaded = {ready["pid"]} if ready else set()
            self._observer.running({self._running.process.pid, *loaded, *self._forked})

    def _out_of_time(self, control: WorkerControl) -> None:
        """Kill a process that has not loaded the model in time."""
        if control.ready is None and self._running is not None:
            why = f"it took more than {self._load_seconds:g} seconds; raise SERVER_LOAD_SECONDS if it may"
            self.fail(self._running.process.pid, why, EndReason.LOAD_TIMEOUT)

    async def _end(self, worker: WorkerProcess) -> int:
        """Wait for a process whose socket is closed; one that is busy gets SIGTERM, then SIGKILL.

        Nothing that it has started is left.
        """
        ended = asyncio.ensure_future(self._reaper.ended())
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None or self._kill_reason:
                worker.signal(number or signal.SIGKILL)
            # Not wait_for: before Python 3.12 that forgets to be cancelled where the process ends at the same time.
            await asyncio.wait((ended,), timeout=STOP_SECONDS)
            if ended.done():
                break
        await ended
        worker.signal(signal.SIGKILL)  # Those that it forked, where it died itself.
        code = worker.process.wait()
        self._running = None  # Its number may be another's from now on.
        if self._observer is not None:
            self._observer.running(())
        await self._reaper.end_orphans()
        return code


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _reason(code: int) -> str:
    """Return why a process has ended that the server did not end, by its exit code as subprocess has it."""
    return EndReason.SIGNAL if code < 0 else EndReason.EXITED
