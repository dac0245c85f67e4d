"""The supervisor with real processes of a model: delivered, restarted, given up."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from server.errors import ModelNotLoaded
from server.model import supervisor
from server.model.environ import model_environ
from server.model.handshake import handshake, read, setup
from server.model.supervisor import Supervisor
from server.settings import ServeSettings
from server.telemetry.labels import EndReason
from tests.processes import is_running
from tests.server.pickled import pickled

# Files beside it say whether it loads.
MODEL = """
import os, time

class Model:
    def __setstate__(self, state):
        if os.path.exists(__file__ + ".hangs"):
            time.sleep(1000)
        if os.path.exists(__file__ + ".fails"):
            raise ValueError("no such weights")

    def __getstate__(self):
        return {"a": 1}

    def predict(self, X):
        return X
"""


class Supervised:
    """A supervisor that runs, and what it has delivered and announced."""

    def __init__(self, folder: Path, *, load_seconds: float = 60) -> None:
        self.model = pickled(folder / "model", MODEL)
        settings = ServeSettings(model_uri=str(self.model))
        model = read(settings)
        self.sockets: list[socket.socket] = []
        self.delivered: asyncio.Queue[int] = asyncio.Queue()
        self.announced: asyncio.Queue[str] = asyncio.Queue()
        self.supervisor = Supervisor(
            Path(sys.executable),
            model_environ(settings),
            handshake(settings, model),
            setup(settings, 1, None),
            None,
            self.deliver,
            self.announced.put_nowait,
            load_seconds,
            observer=self,
        )
        self.reasons: list[str] = []
        self.processes: set[int] = set()
        self.seconds = 0.0

    def restarted(self, reason):
        self.reasons.append(reason)

    def loaded(self, seconds):
        self.seconds = seconds

    def running(self, pids):
        self.processes = set(pids)

    async def deliver(self, sockets, pid, ready):
        self.sockets += sockets
        self.delivered.put_nowait(pid)

    def mark(self, what: str) -> None:
        """Let the next process hang or fail as it loads."""
        (self.model / "code" / f"own.py.{what}").touch()


@pytest.fixture(autouse=True)
def delay(monkeypatch):
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.01)


async def scenario(supervised: Supervised, steps) -> None:
    running, asking = asyncio.create_task(supervised.supervisor.run()), asyncio.create_task(steps())
    try:
        await asyncio.wait((running, asking), return_when=asyncio.FIRST_COMPLETED)
        await (running if running.done() else asking)
    finally:
        for task in (running, asking):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await running
        for sock in supervised.sockets:
            sock.close()


def test_a_process_that_ends_is_started_again(tmp_path):
    supervised, pids = Supervised(tmp_path), []

    async def steps():
        for _ in range(2):
            pids.append(await supervised.delivered.get())
            os.kill(pids[-1], signal.SIGKILL)
            assert await supervised.announced.get() == "the model's process ended by signal SIGKILL"
        pids.append(await supervised.delivered.get())
        assert supervised.processes == {pids[-1]}

    asyncio.run(scenario(supervised, steps))
    assert supervised.reasons == ["signal", "signal"]
    assert supervised.processes == set()
    assert len(set(pids)) == 3
    assert not any(map(is_running, pids))


def test_a_process_that_is_reported_is_killed_and_started_again(tmp_path):
    supervised = Supervised(tmp_path)

    async def steps():
        pid = await supervised.delivered.get()
        supervised.supervisor.fail(pid + 1_000_000, "of another process")
        supervised.supervisor.fail(pid, "it has not answered for 2 seconds")
        assert await supervised.announced.get() == (
            "the model's process was killed, since it has not answered for 2 seconds"
        )
        assert not is_running(pid)
        following = await supervised.delivered.get()
        assert following != pid
        supervised.supervisor.fail(following, "it broke the rules", EndReason.PROTOCOL)
        assert await supervised.announced.get() == "the model's process was killed, since it broke the rules"
        await supervised.delivered.get()

    asyncio.run(scenario(supervised, steps))
    assert supervised.reasons == ["hung", "protocol"]


def test_a_model_that_never_loaded_is_given_up(tmp_path):
    supervised = Supervised(tmp_path)
    supervised.mark("fails")
    with pytest.raises(ModelNotLoaded, match="ValueError: no such weights"):
        asyncio.run(supervised.supervisor.run())
    assert supervised.announced.empty()


def test_a_model_that_has_loaded_once_is_tried_again(tmp_path):
    supervised = Supervised(tmp_path)

    async def steps():
        pid = await supervised.delivered.get()
        supervised.mark("fails")
        os.kill(pid, signal.SIGKILL)
        await supervised.announced.get()
        assert "no such weights" in await supervised.announced.get()
        (supervised.model / "code" / "own.py.fails").unlink()
        await supervised.delivered.get()

    asyncio.run(scenario(supervised, steps))
    # It may have been tried more than once meanwhile.
    assert supervised.reasons[:2] == ["signal", "load_failed"]
    assert set(supervised.reasons) == {"signal", "load_failed"}


def test_a_later_load_has_a_limit_too(tmp_path, monkeypatch):
    supervised = Supervised(tmp_path)

    async def steps():
        pid = await supervised.delivered.get()
        monkeypatch.setattr(supervised.supervisor, "_load_seconds", 0.5)
        supervised.mark("hangs")
        os.kill(pid, signal.SIGKILL)
        await supervised.announced.get()
        assert "it took more than 0.5 seconds" in await supervised.announced.get()
        monkeypatch.setattr(supervised.supervisor, "_load_seconds", 60)
        (supervised.model / "code" / "own.py.hangs").unlink()
        await supervised.delivered.get()

    asyncio.run(scenario(supervised, steps))
    assert set(supervised.reasons) == {"signal", "load_timeout"}


def test_loading_has_a_limit(tmp_path):
    supervised = Supervised(tmp_path, load_seconds=0.5)
    supervised.mark("hangs")
    with pytest.raises(ModelNotLoaded) as raised:
        asyncio.run(supervised.supervisor.run())
    assert str(raised.value) == (
        "the model's process was killed while it loaded the model, since it took more than 0.5 seconds; "
        "raise SERVER_LOAD_SECONDS if it may"
    )
