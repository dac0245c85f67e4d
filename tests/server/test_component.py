"""The component class behind the stock wrapper: one model for all its processes, and what becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess

import grpc
import pytest

from server.protocol.proto.messages import SeldonMessage
from tests.conformance.wrapping import COMPONENT, interpreter, wrapping
from tests.polling import wait_for
from tests.processes import is_running, parent
from tests.project import ROOT
from tests.server import counting, streamer
from tests.server.running_server import this_environment
from tests.server.scraping import families, samples

MODEL = """
import os, signal
class Model:
    def predict(self, X):
        if X[0][0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if X[0][0] == 2:
            print("called")
        return [[os.getpid()]]
"""
BROKEN = "raise AttributeError('this environment has no such thing')"


def made(folder, code):
    """Return a model folder whose model is an instance of the class Model of ``code``."""
    model = folder / "model"
    (model / "code").mkdir(parents=True)
    (model / "code" / "tiny.py").write_text(code)
    # By hand: what cannot be imported cannot be pickled either.
    (model / "model.pkl").write_bytes(b"ctiny\nModel\n(tR.")
    (model / "MLmodel").write_text(
        "flavors:\n  sklearn: {pickled_model: model.pkl, serialization_format: pickle, code: code}\n"
    )
    return model


def number(value):
    return {"data": {"ndarray": [[value]]}}


@pytest.fixture(scope="module")
def wrapped(tmp_path_factory):
    """The component in four processes of the wrapper."""
    folder = tmp_path_factory.mktemp("wrapped")
    with wrapping(
        COMPONENT,
        folder,
        environ={"GUNICORN_WORKERS": "2", "GRPC_WORKERS": "2"},
        model_uri=str(made(folder, MODEL)),
        environment=str(this_environment(folder / "environment")),
    ) as running:
        yield running


def answered_by(running):
    """Return the process id of the model's process, which is its answer."""
    return running.client.post("/predict", json=number(1)).json()["data"]["ndarray"][0][0]


def test_all_processes_of_the_wrapper_share_one_model(wrapped):
    request = SeldonMessage()
    request.data.tensor.shape.extend([1, 1])
    request.data.tensor.values.append(1)
    seen = {answered_by(wrapped) for _ in range(8)}
    for _ in range(8):
        with grpc.insecure_channel(f"127.0.0.1:{wrapped.grpc_port}") as channel:
            body = channel.unary_unary("/seldon.protos.Model/Predict")(
                request.SerializeToString(), timeout=30
            )
            seen.add(int(SeldonMessage.FromString(body).data.tensor.values[0]))
    assert len(seen) == 1
    assert wrapped.log.read_text().count(" loaded in ") == 1


def test_what_the_model_prints_says_for_which_prediction_it_was(wrapped):
    wrapped.client.post("/predict", json={**number(2), "meta": {"puid": "printed"}})
    assert "called puid=printed" in wrapped.log.read_text().splitlines()


@pytest.mark.parametrize("which", ["model", "node"])
def test_what_dies_is_started_again_and_its_request_gets_a_503(wrapped, which):
    model = answered_by(wrapped)
    if which == "model":
        response = wrapped.client.post("/predict", json=number(-1))
        said = (
            "the model's process ended before it answered; it is being started again: send the request again"
        )
    else:
        os.kill(parent(model), signal.SIGKILL)
        response = wait_for(lambda: refused(wrapped.client.post("/predict", json=number(1))))
        said = "the node's process ended before it answered; it is started again: send the request again"
    assert response.status_code == 503
    assert response.json()["status"] == {
        "code": -1,
        "info": said,
        "reason": "MICROSERVICE_NOT_READY",
        "status": 1,
    }
    assert wrapped.client.get("/health/status").status_code in (200, 503)
    wait_for(lambda: wrapped.client.get("/health/status").status_code == 200)
    assert wait_for(lambda: not refused(wrapped.client.post("/predict", json=number(1))))
    assert answered_by(wrapped) != model


def refused(response):
    return response if response.status_code == 503 else None


@pytest.mark.long
def test_the_model_stays_when_the_wrapper_renews_its_workers_and_goes_with_the_last_of_them(tmp_path):
    with wrapping(
        COMPONENT,
        tmp_path,
        environ={"GUNICORN_MAX_REQUESTS": "1", "GRPC_WORKERS": "0"},
        ready=False,
        model_uri=str(made(tmp_path, MODEL)),
        environment=str(this_environment(tmp_path / "environment")),
    ) as running:
        running.wait_until_rest_answers()
        model = answered_by(running)
        node = parent(model)
        assert {answered_by(running) for _ in range(5)} == {model}
        assert running.log.read_text().count("Booting worker") >= 5
    wait_for(lambda: not (is_running(model) or is_running(node)))


@pytest.mark.long
def test_a_model_that_answers_in_parts_answers_as_a_whole(tmp_path):
    model, environment = streamer.write(tmp_path / "model"), this_environment(tmp_path / "environment")
    with wrapping(COMPONENT, tmp_path, model_uri=str(model), environment=str(environment)) as running:
        asked = {"jsonData": {"messages": [{"role": "user", "content": "hi"}]}}
        assert running.client.post("/predict", json=asked).json()["jsonData"] == asked["jsonData"]
        # The wrapper knows its own paths only; it says 500 of any other.
        assert running.client.post("/predict_stream", json=asked).is_error


@pytest.mark.parametrize("shown", [pytest.param("true", marks=pytest.mark.long), "false"])
def test_the_wrapper_counts_what_the_model_counts_on_its_own_port(tmp_path, shown):
    with wrapping(
        COMPONENT,
        tmp_path,
        environ={
            "INCLUDE_METRICS_IN_CLIENT_RESPONSE": shown,
            "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
        },
        model_uri=str(counting.write(tmp_path / "model")),
        environment=str(this_environment(tmp_path / "environment")),
    ) as running:
        metas = [running.client.post("/predict", json=number(1)).json()["meta"] for _ in range(3)]
        assert metas[-1]["tags"] == {"calls": 3, "given": "by the model"}
        counted = samples(families(f"http://127.0.0.1:{running.metrics_port}/prometheus"))
        totals = {
            name: number for (name, labels), number in counted.items() if ("method", "predict") in labels
        }
        assert totals["flowers_total"] == 6
        assert totals["heat"] == 3
        assert totals["watering_count"] == 3
        # The server's own, where the wrapper keeps them from clients.
        own = {name for name in totals if name.startswith("seldon_mlflow_server_")}
        assert ("metrics" in metas[-1]) == (shown == "true") == (not own)
        if own:
            assert totals["seldon_mlflow_server_rows_total"] == 3
            assert totals["seldon_mlflow_server_queue_duration_seconds_count"] == 3
            assert totals["seldon_mlflow_server_model_duration_seconds_count"] == 3


def test_sigterm_ends_the_wrapper_with_all_of_its_processes(tmp_path):
    with wrapping(
        COMPONENT,
        tmp_path,
        environ={"GUNICORN_WORKERS": "2", "GRPC_WORKERS": "2"},
        model_uri=str(made(tmp_path, MODEL)),
        environment=str(this_environment(tmp_path / "environment")),
    ) as running:
        model = answered_by(running)
        node = parent(model)
        group = running.process.pid
        running.process.terminate()
        assert running.process.wait(60) == 0
        # Those that it forked are of its group, and the node's and the model's process follow.
        wait_for(lambda: group_is_gone(group) and not (is_running(model) or is_running(node)))


def group_is_gone(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


REFUSED = {
    "attribute-error": (
        BROKEN,
        {},
        "ModelNotLoaded: the model cannot be loaded in its environment: "
        "AttributeError: this environment has no such thing",
    ),
    "setting": (MODEL, {"xtype": "list"}, "parameter xtype='list': must be one of auto, ndarray, DataFrame"),
    "environment": (
        MODEL,
        {"environment": "/nowhere"},
        "ModelNotLoaded: no Python environment in /nowhere: run ",
    ),
}


@pytest.mark.parametrize(("code", "given", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_served_ends_the_wrapper(tmp_path, code, given, said):
    parameters = {
        "model_uri": str(made(tmp_path, code)),
        "environment": str(this_environment(tmp_path / "environment")),
        **given,
    }
    with wrapping(COMPONENT, tmp_path, ready=False, **parameters) as running:
        assert running.process.wait(60) != 0
    assert said in running.log.read_text()


def test_the_class_imports_none_of_the_servers_own_messages():
    script = (
        "import sys, server.component\n"
        "print([name for name in sys.modules if name.startswith('server.') and name.endswith('_pb2')])"
    )
    done = subprocess.run(
        [interpreter(), "-W", "ignore", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
