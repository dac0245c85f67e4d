"""Processes of a local run: their logs, how they end, and that none outlives it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from gitops.errors import StartFailed
from gitops.local.process import Process, ProcessGroup, run_all
from tests.polling import wait_for
from tests.processes import is_running

T = TypeVar("T")


def in_process(code: str, log: Path, use: Callable[[Process], Coroutine[None, None, T]]) -> T:
    async def run() -> T:
        async with ProcessGroup() as group:
            process = await Process.start(
                [sys.executable, "-c", code], {"GIVEN": "value"}, folder=log.parent, log=log, group=group.id
            )
            return await use(process)

    return asyncio.run(run())


async def ending(process: Process) -> str:
    await process.wait()
    return process.ending()


def test_a_process_has_its_own_environment_folder_and_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "model.log"
    log.parent.mkdir()
    code = (
        "import os, sys; print(os.getcwd(), flush=True); print(os.environ, file=sys.stderr); sys.stdin.read()"
    )
    assert in_process(code, log, Process.wait) == 0
    folder, environ = log.read_text().splitlines()
    assert folder == str(log.parent)
    assert "'GIVEN': 'value'" in environ
    assert "'PATH'" not in environ


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("exit(3)", "ended with exit code 3\nit logged nothing in {log}"),
        ("print('why'); exit(1)", "ended with exit code 1\nthe end of {log}:\n  | why"),
        ("import os; os.kill(os.getpid(), 9)", "ended with signal SIGKILL\nit logged nothing in {log}"),
    ],
)
def test_an_ending_is_told_with_the_end_of_the_log(tmp_path: Path, code: str, said: str) -> None:
    log = tmp_path / "log"
    assert in_process(code, log, ending) == said.format(log=log)


def test_only_the_end_of_a_long_log_is_told(tmp_path: Path) -> None:
    said = in_process("for n in range(100): print(n)", tmp_path / "log", ending)
    assert said.splitlines()[2:] == [f"  | {number}" for number in range(85, 100)]


@pytest.mark.parametrize(
    ("code", "signal"),
    [
        ("print('up', flush=True); import time; time.sleep(60)", "SIGTERM"),
        (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "
            "time.sleep(60)",
            "SIGKILL",
        ),
    ],
    ids=["polite", "deaf"],
)
def test_a_process_is_stopped_gently_and_then_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, signal: str
) -> None:
    monkeypatch.setattr("gitops.local.process.STOP_SECONDS", 1.0)

    async def stop(process: Process) -> str:
        while not process.log.read_text():
            await asyncio.sleep(0.02)
        await process.stop()
        return process.ending()

    assert in_process(code, tmp_path / "log", stop).startswith(f"ended with signal {signal}\n")


# What a run does: a group, and in it a process that ignores SIGTERM and has a child.
SCRIPT = """
import asyncio, sys
from gitops.local.process import ProcessGroup

async def main():
    async with ProcessGroup() as group:
        await asyncio.create_subprocess_exec(
            "sh", "-c", "trap '' TERM; sleep 600 & echo $$ $! > " + sys.argv[1] + "; wait; sleep 600",
            process_group=group.id,
        )
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@pytest.mark.long
@pytest.mark.parametrize("ending", ["by itself", "killed"])
def test_nothing_outlives_the_run(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = subprocess.Popen([sys.executable, "-c", SCRIPT, tmp_path / "ids"], stdin=subprocess.PIPE)
    while not (tmp_path / "ids").exists() or not (tmp_path / "ids").read_text().endswith("\n"):
        assert run.poll() is None
        time.sleep(0.02)
    processes = [int(text) for text in (tmp_path / "ids").read_text().split()]
    assert [is_running(process) for process in processes] == [True, True]
    if ending == "killed":
        os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)
    wait_for(lambda: not any(map(is_running, processes)))


def test_one_failure_ends_the_others_and_keeps_its_cause() -> None:
    ended: list[str] = []
    cause = ValueError()

    async def fail() -> None:
        raise StartFailed("failed") from cause

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waited")

    with pytest.raises(StartFailed, match="failed") as failure:
        asyncio.run(run_all(wait(), fail()))
    assert ended == ["waited"]
    assert failure.value.__cause__ is cause
