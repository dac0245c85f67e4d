"""Hostile clients beside good ones, in a group with the memory of base/: who means well notices nothing but a busy server.

It takes SOAK_SECONDS, 60 where that is not set; 1200 is what a change of the server's limits is held to.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.server.pickled import pickled
from tests.server.running_server import ROOT, Served, serving

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
# Times and growth are judged in a soak that was asked for: a busy machine, and a minute's warm-up, say nothing of them.
JUDGED = "SOAK_SECONDS" in os.environ
QUIET_SECONDS = 10.0
LIMIT = 1024**3
CGROUPS = Path("/sys/fs/cgroup")
MODEL = """
class Model:
    def predict(self, X):
        return X * 2
"""

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("soak"), pytest.mark.timeout(1200 + SECONDS)]


@dataclass
class Group:
    """A control group of either version, whose memory is limited."""

    folder: Path
    version: int

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a command in it."""
        return ("sh", "-c", f'echo $$ > {self.folder}/cgroup.procs && exec "$@"', "sh")

    @property
    def used(self) -> int:
        """The bytes of its processes' own memory."""
        stat = dict(line.split() for line in (self.folder / "memory.stat").read_text().splitlines())
        return int(stat["anon" if self.version == 2 else "total_rss"])


@pytest.fixture
def group() -> Iterator[Group]:
    version = 2 if (CGROUPS / "cgroup.controllers").exists() else 1
    parent = CGROUPS if version == 2 else CGROUPS / "memory"
    folder = parent / f"soak-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / ("memory.max" if version == 2 else "memory.limit_in_bytes")).write_text(str(LIMIT))
    except OSError as error:
        if folder.exists():
            folder.rmdir()
        pytest.skip(f"no group with a limit of memory can be made here: {error}")
    try:
        yield Group(folder, version)
    finally:
        folder.rmdir()


@dataclass
class Good:
    """What good clients have seen: how long their answers took, in seconds, and what was wrong."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]

    def ask(self, client: httpx.Client, number: int) -> None:
        began = time.monotonic()
        try:
            answer = client.post("/predict", json={"data": {"ndarray": [[number, 0.5]]}})
            if answer.status_code != 200 or answer.json()["data"]["ndarray"] != [[2 * number, 1]]:
                self.wrong.append(answer.text)
        except httpx.HTTPError as error:
            self.wrong.append(repr(error))
        self.seconds.append(time.monotonic() - began)

    def probe(self, served: Served) -> None:
        for path in ("/health/ping", "/health/status", "/metrics"):
            try:
                answer = httpx.get(f"http://127.0.0.1:{served.health_port}{path}", timeout=5)
                if answer.status_code != 200:
                    self.wrong.append(f"{path}: {answer.text}")
            except httpx.HTTPError as error:
                self.wrong.append(f"{path}: {error!r}")


@contextmanager
def in_thread(work) -> Iterator[None]:
    over = threading.Event()

    def repeat():
        while not over.wait(0.01):
            work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def asked(served: Served, group: Group, seconds: float) -> tuple[Good, Good, list[int]]:
    """Return what a good client and the probes have seen, and the memory that was used meanwhile."""
    good, probes, used = Good(), Good(), []
    with (
        httpx.Client(base_url=served.client.base_url, timeout=60) as client,
        in_thread(lambda: good.ask(client, len(good.seconds))),
        in_thread(lambda: probes.probe(served)),
    ):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            used.append(group.used)
            time.sleep(0.5)
    return good, probes, used


def test_who_means_well_gets_right_answers_beside_who_does_not(tmp_path, group):
    model = pickled(tmp_path / "model", MODEL)
    folder = tmp_path / "served"
    folder.mkdir()
    with serving(folder, model, prefix=group.prefix) as served:
        before = served.process.pid, served.worker()
        quiet, _, _ = asked(served, group, QUIET_SECONDS)
        hostile = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.server.transport.hostile",
                str(served.client.base_url.port),
                str(SECONDS),
            ],
            cwd=ROOT,
        )
        try:
            good, probes, used = asked(served, group, SECONDS)
        finally:
            hostile.terminate()
            hostile.wait()
        assert (served.process.pid, served.worker()) == before
        served.wait_until_ready()
    early, late = max(used[: len(used) // 2]), max(used[len(used) // 2 :])
    print(  # noqa: T201  the figures, with -s
        f"{len(quiet.seconds)} quiet: p99 {quiet.p99 * 1000:.1f} ms; {len(good.seconds)} beside: p99 {good.p99 * 1000:.1f} ms; "
        f"memory at most {early >> 20} MiB, then {late >> 20} MiB of {LIMIT >> 20}"
    )
    assert good.wrong == probes.wrong == quiet.wrong == []
    assert max(early, late) < LIMIT
    if JUDGED:
        assert good.p99 < 10 * quiet.p99
        assert late < 1.25 * early
