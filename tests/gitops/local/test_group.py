from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# What a run does: a group, and in it a process that ignores SIGTERM and has a child.
SCRIPT = """
import asyncio, sys
from gitops.local.group import ProcessGroup

async def main():
    async with ProcessGroup() as group:
        await asyncio.create_subprocess_exec(
            "sh", "-c", "trap '' TERM; sleep 600 & echo $$ $! > " + sys.argv[1] + "; wait; sleep 600",
            process_group=group.id,
        )
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def alive(process: int) -> bool:
    """Whether the process runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("ending", ["by itself", "killed"])
def test_nothing_outlives_the_run(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = subprocess.Popen([sys.executable, "-c", SCRIPT, tmp_path / "ids"], stdin=subprocess.PIPE)
    while not (tmp_path / "ids").exists() or not (tmp_path / "ids").read_text().endswith("\n"):
        assert run.poll() is None
        time.sleep(0.02)
    processes = [int(text) for text in (tmp_path / "ids").read_text().split()]
    assert [alive(process) for process in processes] == [True, True]
    if ending == "killed":
        os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)
    until = time.monotonic() + 60
    while any(alive(process) for process in processes) and time.monotonic() < until:
        time.sleep(0.05)
    assert [alive(process) for process in processes] == [False, False]
