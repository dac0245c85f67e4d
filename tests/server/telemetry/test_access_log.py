"""The access log of real servers, over REST and gRPC."""

from __future__ import annotations

import concurrent.futures
import logging
import os
import socket
import subprocess
import sys
from dataclasses import replace

import grpc
import httpx
import pytest

from server.settings import ServeSettings
from server.telemetry.access_log import AccessLog
from server.telemetry.call_record import Telemetry
from tests.polling import wait_for
from tests.project import ROOT
from tests.server.pickled import pickled
from tests.server.running_server import serving
from tests.server.telemetry.telling import MODEL, TRACE, TRACEPARENT, line_of, lines, predict, rows

pytestmark = pytest.mark.xdist_group("access_log")

SECRET = "hunter2-hunter2"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return pickled(tmp_path_factory.mktemp("model"), MODEL)


@pytest.fixture(scope="module")
def served(tmp_path_factory, model):
    """A server that logs every call, as JSON."""
    environ = {"LOG_FORMAT": "json", "SERVER_ACCESS_LOG": "all", "SERVER_LARGE_BODY_BYTES": "4096"}
    with serving(tmp_path_factory.mktemp("all"), model, environ=environ, batching="on") as running:
        yield running


def test_a_line_tells_of_a_call_over_rest(served):
    body = rows([1, 2], [3, 4], puid="rest-1")
    answer = served.post("/predict", body, headers={"traceparent": TRACEPARENT})
    line = line_of(served, puid="rest-1")
    assert line["level"] == "INFO"
    assert line["message"] == "POST /predict 200"
    assert line["client"] == "127.0.0.1"
    assert (line["interface"], line["method"], line["path"], line["code"]) == (
        "rest",
        "POST",
        "/predict",
        "200",
    )
    assert (line["trace_id"], line["rows"], line["batch_calls"], line["batch_rows"]) == (TRACE, 2, 1, 2)
    assert line["request_bytes"] == len(answer.request.content)
    assert line["response_bytes"] == len(answer.content)
    assert 0 < line["model_seconds"] < line["seconds"] < 30
    assert 0 < line["queue_seconds"] < line["seconds"]
    # No payload, unless it is asked for.
    assert not {"request", "response", "error"} & line.keys()


def test_a_line_tells_of_a_call_over_grpc(served):
    predict(served, 1, 2, seldon_puid="grpc-1", traceparent=TRACEPARENT)
    line = line_of(served, puid="grpc-1")
    assert line["message"] == "/seldon.protos.Model/Predict OK"
    assert (line["interface"], line["path"], line["code"]) == ("grpc", "/seldon.protos.Model/Predict", "OK")
    assert (line["trace_id"], line["rows"], line["client"]) == (TRACE, 1, "127.0.0.1")
    assert line["request_bytes"] > 0
    assert 0 < line["model_seconds"] < line["seconds"]
    assert "method" not in line


def test_a_large_request_has_one_line_too(served):
    served.post("/predict", rows(*[[1, 2]] * 1000, puid="large"))
    line = line_of(served, puid="large")
    assert (line["rows"], line["client"]) == (1000, "127.0.0.1")


def test_error_lines_have_puid_and_path_of_their_call(served):
    assert served.post("/predict", rows([-1], puid="bad-rest")).status_code == 500
    with pytest.raises(grpc.RpcError):
        predict(served, -1, seldon_puid="bad-grpc")
    for puid, path in (("bad-rest", "/predict"), ("bad-grpc", "/seldon.protos.Model/Predict")):
        access = line_of(served, puid=puid)
        assert (access["level"], access["error"]) == ("WARNING", "ModelFailed")
        (error,) = (line for line in lines(served) if line["level"] == "ERROR" and line["puid"] == puid)
        assert error["path"] == path
        assert error["message"].startswith("MICROSERVICE_INTERNAL_ERROR: RuntimeError: as asked\n")
        # All of the traceback, in the same line.
        traceback = error["exception"].splitlines()
        assert traceback[0] == "Traceback (most recent call last):"
        assert '    raise RuntimeError("as asked' in error["exception"]
        assert traceback[-2:] == [
            "RuntimeError: as asked",
            "2026-11-30 12:00:00,000 ERROR serve: all is lost",
        ]
    others = [line for line in served.log.read_text().splitlines() if not line.startswith("{")]
    assert not [line for line in others if "all is lost" in line or "Traceback" in line]
    # What the model prints itself stays as it is.
    assert "ran -1.0 puid=bad-rest" in others


def test_what_calls_fail_with_together_is_one_line(served):
    def post(number):
        value = 0.9 if number == 0 else -0.001 * number
        return served.post("/predict", rows([value], puid=f"failing {number}"))

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        first = pool.submit(post, 0)
        wait_for(lambda: 'ran 0.9 puid="failing 0"' in served.log.read_text())
        others = [pool.submit(post, number) for number in range(1, 6)]
        assert first.result().status_code == 200
        assert {each.result().status_code for each in others} == {500}
    for number in range(1, 6):
        line_of(served, puid=f"failing {number}")
    told = [
        each for each in lines(served) if "failing" in each.get("puid", "") and each["logger"] != "access"
    ]
    assert all(line["exception"].startswith("Traceback (most recent call last):") for line in told)
    together = [line for line in told if line["level"] == "WARNING"]
    assert together
    for line in together:
        assert line["puid"].count("failing") == int(line["message"].split()[4])
    alone = {line["puid"]: line["path"] for line in told if line["level"] == "ERROR"}
    assert alone == {f"failing {number}": "/predict" for number in range(1, 6)}


def test_what_the_model_raises_when_its_client_has_left_is_told(served):
    with pytest.raises(httpx.ReadTimeout):
        served.post("/predict", rows([-1000], puid="gone"), timeout=0.2)

    def told():
        return [line for line in lines(served) if line["level"] == "ERROR" and line.get("puid") == "gone"]

    wait_for(told)
    (line,) = told()
    assert line["path"] == "/predict"
    assert "RuntimeError: as asked" in line["exception"]


def test_what_the_model_writes_says_for_which_call_it_was(served):
    served.post("/predict", rows([0.01], puid="printed"))
    log = served.log.read_text().splitlines()
    assert "ran 0.01 puid=printed" in log
    assert "warned of 0.01 puid=printed" in log
    assert '{"own": 0.01}' in log
    # An id is a word of its line, whatever its client has put into it.
    served.post("/predict", rows([0.02], puid='a" path=/other'))
    assert r'ran 0.02 puid="a\" path=/other"' in served.log.read_text().splitlines()


def test_what_the_model_writes_for_a_batch_says_for_which_calls_it_was(served):
    def post(number):
        return served.post("/predict", rows([0.9 if number == 0 else 0.001], puid=f"batch-{number}"))

    with concurrent.futures.ThreadPoolExecutor(13) as pool:
        first = pool.submit(post, 0)
        wait_for(lambda: "ran 0.9 puid=batch-0" in served.log.read_text())
        others = [pool.submit(post, number) for number in range(1, 13)]
        assert all(each.result().status_code == 200 for each in (first, *others))
    printed = [
        line.split() for line in served.log.read_text().splitlines() if line.startswith("ran 0.001 puid=")
    ]
    told = 0
    for line in printed:
        ids = [word.partition("=")[2] for word in line if word.startswith("puid=batch-")]
        count = len(ids) + (int(line[-2]) if line[-1] == "more" else 0)
        told += count
        for puid in ids:
            access = line_of(served, puid=puid)
            assert (access["batch_calls"], access["batch_rows"]) == (count, count)
            assert access["queue_seconds"] > access["model_seconds"]
    assert told == 12
    # At least one of two batches has six calls or more, of which four are named.
    assert any(line[-1] == "more" and line[-3] == "and" for line in printed)


def test_a_client_that_leaves_has_a_line(served):
    with pytest.raises(httpx.ReadTimeout):
        served.post("/predict", rows([0.6], puid="left"), timeout=0.2)
    line = line_of(served, puid="left")
    assert (line["code"], line["level"]) == ("499", "WARNING")
    assert 0 < line["seconds"] < 30


def test_paths_and_ids_are_escaped_and_cut(served):
    hostile = "/a%0a%1b[31m%0d%e2%80%a8" + "b" * 1000
    served.client.get(hostile, headers={"seldon-puid": "p" * 5000})
    line = line_of(served, code="404")
    assert line["path"].startswith("/a\\n\\x1b[31m\\r")
    assert (len(line["path"]), len(line["puid"])) <= (300, 256)
    assert line["error"] == "NoSuchPath"


def test_a_method_that_is_not_one_is_cut_too(served):
    with socket.create_connection(("127.0.0.1", served.client.base_url.port)) as sock:
        sock.sendall(b"UNSUBSCRIBE /predict HTTP/1.1\r\nhost: x\r\nseldon-puid: other\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 405")
    assert line_of(served, puid="other")["method"] == "UNSUBSCRIBE"


def test_no_secret_of_a_client_is_ever_logged(served):
    headers = {
        "authorization": f"Bearer {SECRET}",
        "cookie": SECRET,
        "x-api-key": SECRET,
        "seldon-puid": "last",
    }
    served.client.post(f"/predict?token={SECRET}", json=rows([-3]), headers=headers)
    served.client.get(f"/nowhere?token={SECRET}", headers=headers)
    with pytest.raises(grpc.RpcError):
        predict(served, -3, authorization=f"Bearer {SECRET}", seldon_puid="last-grpc")
    line_of(served, puid="last-grpc")
    assert SECRET not in served.log.read_text()


# Which calls have a line.


def test_errors_slow_calls_and_one_in_so_many_others_have_lines_by_default(tmp_path, model):
    environ = {
        "SERVER_ACCESS_LOG_SLOW_MILLISECONDS": "400",
        "SERVER_ACCESS_LOG_SAMPLE": "4",
        "SERVER_EDGE_PROCESSES": "1",
    }
    with serving(tmp_path, model, environ={**environ, "LOG_FORMAT": "json", "SERVER_GRPC": "off"}) as running:
        # The probe that found it ready was the first of the others.
        served = [running.post("/predict", rows([1, 2], puid=f"fast-{number}")) for number in range(40)]
        assert all(answer.status_code == 200 for answer in served)
        running.post("/predict", rows([0.5], puid="slow"))
        running.post("/predict", b"{", headers={"seldon-puid": "bad"})
        assert line_of(running, puid="slow")["level"] == "WARNING"
        assert line_of(running, puid="bad")["code"] == "400"
        fast = [line for line in lines(running) if line.get("puid", "").startswith("fast-")]
        assert len(fast) == 10
        assert {line["level"] for line in fast} == {"INFO"}


def test_lines_are_text_where_there_is_no_pod_and_hold_payloads_where_they_shall(tmp_path, model):
    environ = {"SERVER_ACCESS_LOG": "all", "SERVER_ACCESS_LOG_PAYLOAD_BYTES": "30", "SERVER_GRPC": "off"}
    with serving(tmp_path, model, environ=environ) as running:
        running.post("/predict", b'{"data":{"ndarray":[[1,2]]},\n"meta":{"puid":"one"}}')
        wait_for(lambda: "puid=one" in running.log.read_text())
        (line,) = (each for each in running.log.read_text().splitlines() if "puid=one" in each)
        assert (
            " INFO serve: POST /predict 200 interface=rest method=POST path=/predict code=200 puid=one "
            in line
        )
        assert r' request="{\"data\":{\"ndarray\":[[1,2]]},\\n\"" response="{' in line


def test_off_is_off(tmp_path, model):
    with serving(tmp_path, model, environ={"SERVER_ACCESS_LOG": "off", "SERVER_GRPC": "off"}) as running:
        running.post("/predict", rows([-1], puid="one"))
        running.client.get("/nowhere")
        wait_for(lambda: "MICROSERVICE_INTERNAL_ERROR" in running.log.read_text())
        log = running.log.read_text()
        assert "/nowhere" not in log
        # The line of the error has the call's id nevertheless; the model is not told it.
        assert "all is lost puid=one path=/predict" in log
        assert "\nran -1.0\n" in log


def test_a_sample_beside_off_is_of_all_calls_alike(caplog):
    access_log = AccessLog(replace(ServeSettings(), access_log="off", access_log_sample=3))
    with caplog.at_level(logging.INFO, "access"):
        for _ in range(6):
            record = Telemetry().begin("rest", "/predict", "10.0.0.1", {}, path="/predict")
            record.code = "500"
            access_log.ended(record)
    assert len(caplog.records) == 2


# A reader of stderr that does not read.


@pytest.mark.long
def test_calls_are_answered_while_nobody_reads_the_log(tmp_path, model):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    shell = ("sh", "-c", f'exec "$@" >{fifo} 2>&1', "sh")
    environ = {"SERVER_ACCESS_LOG": "all", "LOG_FORMAT": "json", "SERVER_DRAIN_SECONDS": "0"}
    with serving(tmp_path, model, environ=environ, prefix=shell) as running:
        for _ in range(600):  # Ten times what the pipe holds.
            assert running.post("/predict", rows([1, 2])).status_code == 200
        for _ in range(100):
            predict(running, 1, 2)
        assert running.client.get("/health/ping").text == "pong"
    os.close(reading)
    assert running.process.returncode == 0


def test_opentelemetry_is_not_imported_where_it_is_off():
    script = (
        "import os, sys\n"
        "from server.settings import ServeSettings\n"
        "from server.settings_loader import load\n"
        "import server.serving.serve, server.transport.grpc.server\n"
        "from server.telemetry.call_record import Telemetry\n"
        "from server.telemetry.observers import Observing, check\n"
        "settings = load(ServeSettings, os.environ)\n"
        "check(settings); observing = Observing(Telemetry(), settings); observing.stop()\n"
        "print(*sorted(name for name in sys.modules if name.partition('.')[0] in ('opentelemetry', 'urllib3', 'requests')))"
    )
    environ = {
        **os.environ,
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_a_model_that_does_not_load_is_a_line_with_its_traceback(tmp_path):
    methods = ("def __init__(self): self.own = 1", "def __setstate__(self, _): raise KeyError('gone')")
    broken = pickled(tmp_path / "model", "class Model:\n" + "".join(f"    {each}\n" for each in methods))
    with serving(tmp_path, broken, ready=False, environ={"LOG_FORMAT": "json"}) as running:
        assert running.process.wait(60) == 30
    others = [each for each in running.log.read_text().splitlines() if not each.startswith("{")]
    assert not others
    (line,) = [each for each in lines(running) if "exception" in each]
    assert (line["process"], line["level"], line["message"]) == (
        "model",
        "ERROR",
        "the model cannot be loaded",
    )
    assert line["exception"].endswith("KeyError: 'gone'")
