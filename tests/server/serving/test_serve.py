"""How `serve` starts, goes on when the model's process dies, and ends."""

from __future__ import annotations

import concurrent.futures
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from server.protocol.proto.prediction_pb2 import DefaultData, SeldonMessage, Tensor
from tests.polling import wait_for
from tests.project import MODELS, ROOT
from tests.server.running_server import REST, free_port, serving
from tests.server.scraping import calls_waiting


def number(value):
    return {"data": {"ndarray": [[value]]}}


def eventually_ready(served):
    served.wait_until_ready()
    return served.post("/predict", number(0)).status_code


def test_the_ports_are_open_before_the_model_is_loaded(tmp_path, slow_model):
    # Where the server runs; its model's process runs elsewhere.
    relative = Path(os.path.relpath(slow_model, ROOT))
    with serving(tmp_path, relative, ready=False, environ=REST) as served:
        end = time.monotonic() + 30
        while True:
            try:
                assert served.client.get("/health/ping").text == "pong"
                break
            except httpx.TransportError:
                assert time.monotonic() < end
        status = served.client.get("/health/status")
        answer = served.post("/predict", number(0))
        if status.status_code == 503:
            assert status.json()["status"] == {
                "code": -1,
                "info": "the model is not loaded",
                "reason": "MICROSERVICE_NOT_READY",
                "status": 1,
            }
            assert answer.status_code in (200, 503)
        served.wait_until_ready()
        assert served.post("/predict", number(0)).status_code == 200


def test_a_model_process_that_dies_is_started_again_and_its_request_gets_a_503(tmp_path, slow_model):
    with (
        serving(tmp_path, slow_model) as served,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel,
    ):
        health = HealthStub(channel).Watch(HealthCheckRequest(), timeout=30)
        first = served.worker()
        said = [next(health).status]
        response = served.post("/predict", number(-1))
        assert response.status_code == 503
        assert response.json()["status"] == {
            "code": -1,
            "info": "the model's process ended before it answered; it is being started again: "
            "send the request again",
            "reason": "MICROSERVICE_NOT_READY",
            "status": 1,
        }
        assert eventually_ready(served) == 200
        assert served.worker() != first
        said += [next(health).status for _ in range(2)]
        up, down = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
        assert said == [up, down, up]
        said = "the model's process ended by signal SIGKILL; starting it again in 0.5 s"
        wait_for(lambda: said in served.log.read_text())


def test_sigterm_lets_calls_under_way_end_and_others_be_refused(tmp_path, slow_model):
    with (
        serving(tmp_path, slow_model) as served,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel,
        concurrent.futures.ThreadPoolExecutor() as pool,
    ):
        call = channel.unary_unary("/seldon.protos.Model/Predict")
        body = SeldonMessage(data=DefaultData(tensor=Tensor(shape=[1, 1], values=[0.5]))).SerializeToString()
        watching = HealthStub(channel).Watch(HealthCheckRequest())
        assert next(watching).status == HealthCheckResponse.SERVING
        pending = pool.submit(served.post, "/predict", number(1.0))
        wait_for(lambda: "ran 1.0" in served.log.read_text())
        called = call.future(body, timeout=30)
        wait_for(lambda: calls_waiting(served) == 2)
        worker = served.worker()
        served.process.send_signal(signal.SIGTERM)
        # Whoever watches is told, and does not keep the server.
        assert next(watching).status == HealthCheckResponse.NOT_SERVING
        # What still comes is answered for a while, and then refused in a way that clients send it elsewhere.
        wait_for(lambda: call.future(body, timeout=30).code() is grpc.StatusCode.UNAVAILABLE)
        assert pending.result().status_code == 200
        assert called.result()
        assert served.process.wait(30) == 0
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def test_what_the_model_writes_beside_itself_goes_to_the_temporary_folder(tmp_path, slow_model):
    with serving(tmp_path, slow_model, environ=REST) as served:
        assert served.post("/predict", number(0)).status_code == 200
    assert (tmp_path / "scratch" / "beside.txt").exists()


def test_the_model_does_not_see_modules_beside_the_worker_or_the_current_folder(tmp_path, slow_model):
    model = shutil.copytree(slow_model, tmp_path / "model")
    (model / "queue.py").write_text("raise RuntimeError('shadowed')")
    with serving(tmp_path, model, environ=REST) as served:
        assert served.post("/predict", number(0)).status_code == 200


def run(tmp_path, model, *, port=None, grpc_port=None, health_port=None, environment=True, **parameters):
    folder = tmp_path / "environment"
    folder.mkdir()
    if environment:
        (folder / "current").symlink_to(sys.prefix)
    return subprocess.run(
        [sys.executable, "-m", "server", "serve", "--environment", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={
            **os.environ,
            "SERVER_HOST": "127.0.0.1",
            "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port or free_port()),
            "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(grpc_port or free_port()),
            "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(health_port or free_port()),
            "PREDICTIVE_UNIT_PARAMETERS": json.dumps(
                [
                    {"name": name, "value": value, "type": "STRING"}
                    for name, value in {"model_uri": str(model), **parameters}.items()
                ]
            ),
        },
    )


def last_line(process):
    return process.stderr.strip().splitlines()[-1].partition(" serve: ")[2]


def test_a_model_that_cannot_be_loaded_ends_serve_with_the_reason(tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(MODELS / "iris_svm_model", broken)
    (broken / "model.skops").write_bytes(b"not a zip file")
    ended = run(tmp_path, broken)
    assert ended.returncode == 30
    assert last_line(ended) == (
        "the model cannot be loaded in its environment: BadZipFile: File is not a zip file"
    )


def test_a_method_that_the_model_lacks_ends_serve_with_those_it_has(tmp_path):
    ended = run(tmp_path, MODELS / "iris_svm_model", predict_method="predict_proba")
    assert ended.returncode == 30
    assert last_line(ended) == (
        "the model cannot be loaded in its environment: AttributeError: SVC has no method predict_proba; "
        "it has decision_function, predict: set the parameter predict_method to one of them"
    )


def test_a_folder_without_a_model_ends_serve(tmp_path):
    ended = run(tmp_path, tmp_path)
    assert ended.returncode == 14
    assert last_line(ended).startswith(f"no MLmodel file in {tmp_path}: an MLflow model folder has one; ")


def test_no_environment_ends_serve(tmp_path):
    ended = run(tmp_path, MODELS / "iris_svm_model", environment=False)
    assert ended.returncode == 30
    assert last_line(ended).startswith(f"no Python environment in {tmp_path / 'environment'}: run ")


def test_an_unknown_parameter_ends_serve(tmp_path):
    ended = run(tmp_path, tmp_path, predict_metod="predict")
    assert ended.returncode == 2
    assert last_line(ended) == (
        "unknown graph parameter 'predict_metod': the server knows batching, model_uri, predict_method, xtype; "
        "correct the parameter's name in the overlay"
    )


@pytest.mark.parametrize(
    ("port", "variable"),
    [
        ("port", "PREDICTIVE_UNIT_HTTP_SERVICE_PORT"),
        ("grpc_port", "PREDICTIVE_UNIT_GRPC_SERVICE_PORT"),
        ("health_port", "PREDICTIVE_UNIT_METRICS_SERVICE_PORT"),
    ],
)
def test_a_port_in_use_ends_serve(tmp_path, slow_model, port, variable):
    with socket.socket() as other:
        # One that would share it.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        ended = run(tmp_path, slow_model, **{port: number})
    assert ended.returncode == 2
    assert last_line(ended) == (
        f"cannot listen on 127.0.0.1:{number}: the port must be free and the address this machine's; "
        f"choose another by {variable} or SERVER_HOST"
    )


def test_one_port_for_two_interfaces_ends_serve(tmp_path, slow_model):
    number = free_port()
    ended = run(tmp_path, slow_model, port=number, grpc_port=number)
    assert ended.returncode == 2
    assert last_line(ended) == (
        f"cannot listen on 127.0.0.1:{number}: the port must be free and the address this machine's; "
        "choose another by PREDICTIVE_UNIT_GRPC_SERVICE_PORT or SERVER_HOST"
    )


def test_sigterm_while_the_model_loads_ends_serve(tmp_path):
    with serving(tmp_path, MODELS / "iris_svm_model", ready=False) as served:
        wait_for(lambda: "listens on" in served.log.read_text())
        worker = served.worker()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
