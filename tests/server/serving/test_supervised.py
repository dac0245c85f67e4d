"""A model's process that does what it must not: the server says so, kills it, and serves again by another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from tests.polling import wait_for
from tests.processes import children, is_running, zombies
from tests.server.pickled import pickled
from tests.server.running_server import REST, is_worker, serving

pytestmark = pytest.mark.xdist_group("supervised")

# Its input is what to do and a path.
MODEL = '''
import gc, json, os, struct, sys, time

class Model:
    def predict(self, X):
        asked, path = X[0]
        getattr(self, asked)(path)
        return [asked]

    def answer(self, path):
        pass

    def hang(self, path):
        time.sleep(1000)

    def lie(self, path):
        """Answer a call that nobody has made."""
        calls = next(each for each in gc.get_objects() if type(each).__name__ == "CallQueue")
        text = json.dumps({"event": "result", "id": 123456, "values": []}).encode()
        for connection in calls._by_descriptor.values():
            connection._sock.sendall(struct.pack("<IQ", len(text), 0) + text)
        time.sleep(1000)

    def daemonise(self, path):
        """Leave a process behind that holds all of this one's sockets, in a session of its own."""
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                with open(path + ".new", "w") as file:
                    file.write(str(os.getpid()))
                os.rename(path + ".new", path)
                time.sleep(1000)
            os._exit(0)
        while not os.path.exists(path):
            time.sleep(0.01)

    def die(self, path):
        self.daemonise(path)
        os._exit(1)

    def environment(self, path):
        raise ValueError(json.dumps(dict(os.environ)))
'''
LIMITS = {**REST, "SERVER_DEADLINE_SECONDS": "1", "SERVER_GRACE_SECONDS": "1"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return pickled(tmp_path_factory.mktemp("model"), MODEL)


@pytest.fixture(scope="module")
def served(tmp_path_factory, model):
    with serving(tmp_path_factory.mktemp("served"), model, environ=LIMITS) as running:
        yield running


def asked(served, what, path=""):
    return served.post("/predict", {"data": {"ndarray": [[what, str(path)]]}})


def info(response):
    return response.json()["status"]["info"]


def workers(served):
    """Return the model's processes."""
    return [child for child in children(served.process.pid) if is_worker(child)]


def why_not_ready(served):
    """Return what /health/status says when it says 503."""

    def not_ready():
        response = served.client.get("/health/status")
        return response if response.status_code == 503 else None

    return info(wait_for(not_ready))


def assert_it_serves_again_by_another(served, before):
    served.wait_until_ready()
    assert asked(served, "answer").status_code == 200
    assert served.worker() != before
    assert not is_running(before)
    wait_for(lambda: not zombies(served.process.pid))


def test_one_that_hangs_is_killed_and_started_again(served):
    before = served.worker()
    assert asked(served, "hang").status_code == 504
    assert "since it has not answered for 2 seconds" in why_not_ready(served)
    assert_it_serves_again_by_another(served, before)


def test_one_that_lies_is_killed_and_its_calls_are_told(served):
    before = served.worker()
    response = asked(served, "lie")
    assert response.status_code == 503
    assert info(response) == (
        "the model's process is killed, since it broke the rules of its connection to the server: it answers call 123456, "
        "which it does not have: 'result'; it is being started again: send the request again"
    )
    assert "broke the rules of its connection" in why_not_ready(served)
    assert_it_serves_again_by_another(served, before)


def test_what_it_has_started_ends_with_it(served, tmp_path):
    """Also where that holds the sockets of the one that died, which so never seem closed."""
    before = served.worker()
    response = asked(served, "die", tmp_path / "pid")
    assert response.status_code == 503
    left = int((tmp_path / "pid").read_text())
    assert_it_serves_again_by_another(served, before)
    wait_for(lambda: not is_running(left))


def test_nothing_is_left_of_several_processes_that_die_with_the_one_they_are_forked_from(tmp_path, model):
    """They are the server's children then, which reaps them as the container's process 1 must."""
    with serving(tmp_path, model, environ={**REST, "SERVER_MODEL_PROCESSES": "2"}) as running:
        before = running.worker()
        forked = running.model_processes()
        os.kill(before, signal.SIGKILL)
        why_not_ready(running)
        running.wait_until_ready()
        assert running.worker() != before
        assert not any(map(is_running, forked))
        wait_for(lambda: not zombies(running.process.pid))


@pytest.mark.long
def test_one_of_several_that_hangs_is_killed_and_the_others_go_on(tmp_path, model):
    with serving(tmp_path, model, environ={"SERVER_MODEL_PROCESSES": "2", **LIMITS}) as running:
        template = running.worker()
        before = set(running.model_processes())
        assert asked(running, "hang").status_code == 504

        def replaced():
            now = set(running.model_processes())
            return len(now) == 2 and len(now & before) == 1

        wait_for(replaced)
        assert asked(running, "answer").status_code == 200
        assert running.worker() == template


def entered(running):
    """Return the process id of the server that runs as process 1 of a namespace."""
    (child,) = children(running.process.pid)
    return child


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a process 1")
def test_what_others_have_started_in_the_pod_goes_on(tmp_path, model):
    """As a shell of `kubectl exec` does, whose orphans the container's process 1 gets."""
    alone = ("unshare", "--fork", "--pid", "--mount-proc", "--kill-child")
    with serving(tmp_path, model, prefix=alone) as running:
        server = entered(running)
        enter = ("nsenter", "--target", str(server), "--pid", "--mount", "setsid")
        script = "setsid sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!"
        inside = subprocess.run(
            [*enter, "sh", "-c", script], capture_output=True, text=True, check=True
        ).stdout
        wait_for(lambda: parent(int(inside), server) == "1")
        assert asked(running, "die", tmp_path / "pid").status_code == 503
        models = (tmp_path / "pid").read_text()
        running.wait_until_ready()
        wait_for(lambda: not parent(int(models), server))
        assert parent(int(inside), server) == "1"
        os.kill(server, signal.SIGTERM)
        assert running.process.wait(30) == 0


def parent(pid, server):
    """Return the parent of a process as the namespace of the server numbers them, or nothing where it has ended."""
    look = ("nsenter", "--target", str(server), "--pid", "--mount", "cat", f"/proc/{pid}/stat")
    stat = subprocess.run(look, capture_output=True, text=True, check=False).stdout.rpartition(")")[2].split()
    return stat[1] if stat and stat[0] != "Z" else ""


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_what_it_has_started_ends_with_the_server(tmp_path, model, signal_):
    with serving(tmp_path, model) as running:
        assert asked(running, "daemonise", tmp_path / "pid").status_code == 200
        left = int((tmp_path / "pid").read_text())
        assert is_running(left)
        running.process.send_signal(signal_)
        assert running.process.wait(30) == 0
        assert not is_running(left)


@pytest.mark.long
def test_a_server_ends_that_kills_one_that_hangs_meanwhile(tmp_path, model):
    """The request that it hangs in is the last that the server waits for."""
    with serving(tmp_path, model, environ=LIMITS) as running:
        with pytest.raises(httpx.ReadTimeout):
            running.post("/predict", {"data": {"ndarray": [["hang", ""]]}}, timeout=0.5)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) == 0


def test_one_that_hangs_ends_with_a_server_that_is_killed(tmp_path, model):
    with serving(tmp_path, model) as running:
        worker = running.worker()
        with pytest.raises(httpx.ReadTimeout):
            running.post("/predict", {"data": {"ndarray": [["hang", ""]]}}, timeout=0.5)
        running.process.kill()
        wait_for(lambda: not is_running(worker))


def test_it_gets_an_environment_made_for_it(tmp_path, model):
    given = {
        "AWS_SECRET_ACCESS_KEY": "a",
        "HF_TOKEN": "b",
        "HF_HOME": "/tmp/hf",
        "KUBERNETES_SERVICE_HOST": "c",
        "MINE": "d",
        "OTHERS": "e",
        "PIP_INDEX_URL": "f",
        "UV_DEFAULT_INDEX": "g",
        "SERVER_MODEL_ENVIRONMENT": "MINE",
    }
    with serving(tmp_path, model, environ=given) as running:
        response = asked(running, "environment")
        assert response.status_code == 500
        got = info(response)
    for name in ("MINE", "HF_HOME", "PATH", "HOME", "OMP_NUM_THREADS"):
        assert f'"{name}": ' in got
    for name in {*given, "PREDICTIVE_UNIT_PARAMETERS"} - {"MINE", "HF_HOME"}:
        assert f'"{name}": ' not in got


# Tries to get what belongs to a process; prints what it got.
THIEF = """
import ctypes, os, sys
pid = int(sys.argv[1])
for path in ("environ", "mem", "maps"):
    try:
        open(f"/proc/{pid}/{path}", "rb").close()
        print(path)
    except PermissionError:
        pass
for descriptor in range(64):
    try:
        print(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    except (PermissionError, FileNotFoundError):
        pass
libc = ctypes.CDLL(None)
pidfd = libc.syscall(434, pid, 0)
if any(libc.syscall(438, pidfd, descriptor, 0) >= 0 for descriptor in range(64)):
    print("pidfd_getfd")
"""


def test_nothing_of_the_server_can_be_taken_by_a_process_of_its_user(tmp_path, model):
    """Without capabilities, as in a pod."""
    dropped = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    with serving(tmp_path, model, prefix=dropped) as running:
        for pid, taken in ((running.process.pid, False), (running.worker(), True)):
            thief = [*dropped, sys.executable, "-c", THIEF, str(pid)]
            got = subprocess.run(thief, capture_output=True, text=True, check=True).stdout
            assert bool(got) is taken, got


def slow_to_load(folder, gate):
    """Write a model that is loaded when there is a file called ``gate``, and return its folder."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "slow_to_load.py").write_text(SLOW_TO_LOAD)
    script = f"import pickle, sys; sys.path.insert(0, {str(folder / 'code')!r}); import slow_to_load\n"
    script += f"model = slow_to_load.Model(); model.gate = {str(gate)!r}\n"
    script += f"pickle.dump(model, open({str(folder / 'model.pkl')!r}, 'wb'))"
    subprocess.run([sys.executable, "-c", script], check=True)
    (folder / "MLmodel").write_text(
        "flavors:\n  sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: code}\n"
        "saved_input_example_info: {artifact_path: input_example.json, type: ndarray, format: tf-serving}\n"
    )
    return folder


def test_one_that_does_not_load_the_model_in_time_ends_the_server(tmp_path):
    folder = slow_to_load(tmp_path / "model", tmp_path / "gate")
    with serving(tmp_path, folder, ready=False, environ={"SERVER_LOAD_SECONDS": "1"}) as running:
        assert running.process.wait(60) == 30
        log = running.log.read_text()
    rule = "since it took more than 1 seconds; raise SERVER_LOAD_SECONDS if it may"
    assert f"ERROR serve: the model's process was killed while it loaded the model, {rule}\n" in log


WIDE = 100_000
SLOW_TO_LOAD = """
import os, time

class Model:
    def predict(self, X):
        return X[:, :2] * (1 + 1e-7 * len(X)) if len(X) != 7 else X[:, :2]

    def __setstate__(self, state):
        while not os.path.exists(state["gate"]):
            time.sleep(0.01)
"""


@pytest.mark.long
def test_probes_are_answered_while_a_model_with_a_large_example_is_loaded_again(tmp_path):
    """And what was asked for is on: the log says by how much a row's answer differs."""
    gate = tmp_path / "gate"
    folder = slow_to_load(tmp_path / "model", gate)
    row = [0.1 * number for number in range(WIDE)]
    (folder / "input_example.json").write_text(json.dumps({"inputs": [row]}))
    gate.touch()
    with serving(tmp_path, folder, batching="on") as running:
        gate.unlink()
        before = running.worker()
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: "the model's process ended by signal SIGKILL" in why_not_ready(running))
        wait_for(lambda: workers(running) not in ([], [before]))
        for _ in range(20):
            assert running.client.get("/health/ping", timeout=2).text == "pong"
            time.sleep(0.05)
        gate.touch()
        running.wait_until_ready()
    log = running.log.read_text()
    assert (
        log.count("predict is called for several requests at once, as batching: on asks for: a row of ") == 2
    )
    assert "several calls at once by predict" in log
