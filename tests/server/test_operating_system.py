"""What the operating system tells, and the server where it lacks what only Linux has."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys

import pytest

from server import operating_system
from server.operating_system import connections, has_ended
from tests import without_linux
from tests.polling import wait_for
from tests.project import MODELS, ROOT
from tests.server.running_server import serving

ROWS = {"data": {"ndarray": [[5.1, 3.5, 1.4, 0.2], [6.2, 3.4, 5.4, 2.3]]}}


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_those_that_were_opened_to_a_port_count_until_they_are_closed(family, host):
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with server:
        port = server.getsockname()[1]
        assert connections(port) == 0
        clients = [socket.create_connection((host, port), timeout=30) for _ in range(3)]
        accepted = [server.accept()[0] for _ in clients]
        assert connections(port) == 3
        # Those that this process has opened are the other port's.
        assert connections(clients[0].getsockname()[1]) <= 1
        for sock in (*clients[1:], *accepted[1:]):
            sock.close()
        wait_for(lambda: connections(port) == 1)
        clients[0].close()
        accepted[0].close()
        wait_for(lambda: connections(port) == 0)


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="Python has waitid on macOS from 3.13 on")
def test_a_child_has_ended_before_and_after_it_is_waited_for_and_not_while_it_runs():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert not has_ended(child.pid)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(child.pid)
        assert child.wait() == -signal.SIGKILL  # Nobody else has waited for it.
        assert has_ended(child.pid)
    assert has_ended(os.getppid())  # No child of this process.


def test_nothing_is_told_where_nothing_tells_it(monkeypatch, tmp_path):
    monkeypatch.setattr(operating_system, "PROC", tmp_path / "none")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert list(operating_system.processes()) == []
    assert operating_system.process_stats(os.getpid()) is None
    assert operating_system.connections(1) == 0
    assert operating_system.other_threads() is None
    assert operating_system.private_memory() is None
    assert operating_system.cpus() == os.cpu_count()
    assert operating_system.open_descriptors() > 2


def test_a_server_without_what_only_linux_has_answers_and_starts_its_model_again(tmp_path):
    with serving(
        tmp_path,
        MODELS / "iris_svm_model",
        root=without_linux.copy(ROOT, tmp_path / "copy"),
        environ={"SERVER_EDGE_PROCESSES": "2", "SERVER_METRICS": "true"},
        predict_method="decision_function",
        descriptors=256,
    ) as served:
        if hasattr(resource, "prlimit"):
            # As many as such a kernel gives, which has up to 10,240, by halves.
            assert resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE)[0] == 8192
        before = served.post("/predict", ROWS)
        assert before.status_code == 200, before.text
        worker = served.worker()
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: served.client.get("/health/status").status_code != 200)
        served.wait_until_ready()
        assert served.worker() != worker
        again = served.post("/predict", ROWS)
        assert again.json()["data"] == before.json()["data"]
        metrics = served.client.get("/prometheus")
        assert metrics.status_code == 200
        assert "_process_resident_memory_bytes{" not in metrics.text
    assert served.process.returncode == 0, served.log.read_text()
    assert "Traceback" not in served.log.read_text()
