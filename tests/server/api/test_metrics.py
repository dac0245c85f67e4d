"""Metrics of a real server: what Prometheus reads after known requests."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import socket

import grpc
import httpx
import pytest

from server.artifact.digest import model_digest
from server.protocol.proto.prediction_pb2 import DefaultData, SeldonMessage, Tensor
from server.telemetry.labels import METHODS
from tests.polling import wait_for
from tests.project import MODELS
from tests.server import counting
from tests.server.running_server import IMAGE, serving
from tests.server.scraping import OPENMETRICS, P, families, samples, scrape, value
from tests.server.transport.http.http_serving import Client

MODEL = MODELS / "iris_svm_model"
ROW = [6.8, 2.8, 4.8, 1.4]
TRACE = "0af7651916cd43dd8448eb211c80319c"
OPERATOR = {
    "SELDON_DEPLOYMENT_ID": "iris",
    "PREDICTOR_ID": "main",
    "PREDICTOR_LABELS": '{"version": "v1"}',
    "SERVER_NO_ENGINE": "true",
}


def rows(count):
    return {"data": {"ndarray": [ROW] * count}}


def called(port, method, count=1):
    tensor = Tensor(shape=[count, 4], values=ROW * count)
    body = SeldonMessage(data=DefaultData(tensor=tensor)).SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        return channel.unary_unary(method)(body, timeout=30, wait_for_ready=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    environ = {"SERVER_EDGE_PROCESSES": "2", "SERVER_GRPC_MAX_MESSAGE_BYTES": "100000", **OPERATOR}
    with serving(tmp_path_factory.mktemp("served"), MODEL, environ=environ) as running:
        # The model's digest is found while the server serves, where fetch has not left it.
        wait_for(lambda: any(name == "model_info" for name, _ in scrape(running)))
        yield running


def grown(before, after, name, **labels):
    return value(after, name, **labels) - value(before, name, **labels)


def several(served, count, path, message):
    """Send a message over so many connections at the same time: each process of the server gets some of them."""
    clients = [httpx.Client(base_url=served.client.base_url, timeout=30) for _ in range(count)]
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(lambda client: client.post(path, json=message), clients))
    for client in clients:
        client.close()
    return answers


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_the_calls_of_all_processes_and_interfaces_are_counted_exactly(served, accept):
    before = scrape(served, accept)
    assert {each.status_code for each in several(served, 8, "/predict", rows(2))} == {200}
    large = json.dumps(rows(10_000)).encode()
    assert len(large) > 128 * 1024
    assert served.post("/predict", large).status_code == 200
    assert served.post("/predict", {}).status_code == 400
    assert served.post("/api/v1.0/predictions", rows(3)).status_code == 200
    assert served.client.get("/none").status_code == 404
    assert served.client.put("/predict").status_code == 405
    called(served.grpc_port, "/seldon.protos.Model/Predict", 4)
    called(served.grpc_port, "/seldon.protos.Seldon/Predict", 4)
    with pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
        called(served.grpc_port, "/seldon.protos.Router/Route")
    with pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
        called(served.grpc_port, "/none/None")
    after = scrape(served, accept)
    for interface, method, code, count in (
        ("rest", "/predict", "200", 9),
        ("rest", "/predict", "400", 1),
        ("rest", "/predict", "405", 1),
        ("rest", "/api/v1.0/predictions", "200", 1),
        ("rest", "other", "404", 1),
        ("grpc", "/seldon.protos.Model/Predict", "OK", 1),
        ("grpc", "/seldon.protos.Seldon/Predict", "OK", 1),
        ("grpc", "/seldon.protos.Router/Route", "UNIMPLEMENTED", 1),
        ("grpc", "other", "UNIMPLEMENTED", 1),
    ):
        labels = {"interface": interface, "method": method, "code": code}
        assert grown(before, after, f"{P}_requests_total", **labels) == count, labels
        assert grown(before, after, f"{P}_request_duration_seconds_count", **labels) == count, labels
        assert grown(before, after, f"{P}_request_duration_seconds_bucket", le="60.0", **labels) == count
        assert (grown(before, after, f"{P}_request_duration_seconds_sum", **labels) > 0) or code != "200"
    assert grown(before, after, f"{P}_queue_duration_seconds_count") == 12
    # Those that came at the same time may have been called together.
    assert 5 <= grown(before, after, f"{P}_model_duration_seconds_count") <= 12
    assert grown(before, after, f"{P}_batch_calls_sum") == 12
    assert grown(before, after, f"{P}_batch_rows_sum") == 8 * 2 + 10_000 + 3 + 2 * 4
    assert grown(before, after, f"{P}_batch_rows_bucket", le="4096.0") < grown(
        before, after, f"{P}_batch_rows_count"
    )
    for interface, reason, count in (
        ("rest", "bad_data", 1),
        ("rest", "method_not_allowed", 1),
        ("rest", "no_such_path", 1),
        ("grpc", "no_such_path", 2),
    ):
        assert (
            grown(before, after, f"{P}_refused_requests_total", interface=interface, reason=reason) == count
        )
    assert grown(before, after, f"{P}_request_bytes_total", interface="rest") > len(large)
    assert grown(before, after, f"{P}_response_bytes_total", interface="rest") > 10_000
    for name in ("model_calls_in_progress", "calls_waiting"):
        assert value(after, f"{P}_{name}") == 0
    for interface in METHODS:
        assert value(after, f"{P}_requests_in_progress", interface=interface) == 0


def test_the_orchestrators_series_are_those_that_rollouts_ask_for(served):
    before = scrape(served)
    assert served.post("/api/v1.0/predictions", rows(1)).status_code == 200
    assert served.post("/api/v0.1/predictions", rows(1)).status_code == 200
    assert served.post("/api/v1.0/predictions", {}).status_code == 400
    assert served.post("/api/v1.0/feedback", {"reward": 1}).status_code == 200
    called(served.grpc_port, "/seldon.protos.Seldon/Predict")
    # What the orchestrator has not.
    assert served.post("/predict", rows(1)).status_code == 200
    after = scrape(served)
    name, own = (
        "seldon_api_executor_server_requests_seconds",
        {"deployment_name": "iris", "predictor_name": "main"},
    )
    own["predictor_version"] = ""
    for service, method, code, count in (
        ("predictions", "post", "200", 2),
        ("predictions", "post", "400", 1),
        ("feedback", "post", "200", 1),
        ("/seldon.protos.Seldon/Predict", "unary", "OK", 1),
    ):
        labels = {**own, "service": service, "method": method, "code": code}
        assert grown(before, after, f"{name}_count", **labels) == count
        assert grown(before, after, f"{name}_bucket", le="10.0", **labels) == count
        assert grown(before, after, f"{name}_bucket", le="+Inf", **labels) == count
    (family,) = [
        each for each in families(f"http://127.0.0.1:{served.health_port}/metrics") if each.name == name
    ]
    bounds = {each.labels["le"] for each in family.samples if each.name.endswith("_bucket")}
    assert bounds == {
        *("0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75"),
        *("1.0", "2.5", "5.0", "7.5", "10.0", "+Inf"),
    }


def test_what_is_served_and_by_what_processes(served):
    found = scrape(served)
    assert value(found, f"{P}_ready") == 1
    (labels,) = [dict(labels) for name, labels in found if name == "model_info"] or [{}]
    if not labels:  # Its digest was not known yet.
        wait_for(lambda: any(name == "model_info" for name, _ in scrape(served)))
        (labels,) = [dict(labels) for name, labels in scrape(served) if name == "model_info"]
    assert labels["digest"] == model_digest(MODEL)
    assert labels["flavor"] == "sklearn"
    assert (labels["image"], labels["node"]) == (IMAGE, "model")
    assert labels["server_version"]
    assert value(found, f"{P}_model_load_duration_seconds") > 0
    processes = {dict(labels)["process"] for name, labels in found if name.startswith(f"{P}_process_")}
    assert processes == {"rest-0", "rest-1", "large_requests", "grpc", "model-0"}
    for process in processes:
        for name in ("resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds"):
            assert value(found, f"{P}_process_{name}", process=process) > 0, (process, name)
        # One that is idle may not have had a tick of the clock yet.
        assert value(found, f"{P}_process_cpu_seconds_total", process=process) >= 0
    assert value(found, f"{P}_process_cpu_seconds_total", process="model-0") > 0


def test_the_connections_of_grpc_are_counted(served):
    def told():
        return value(scrape(served), f"{P}_grpc_connections")

    wait_for(lambda: told() == 0)
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
        wait_for(lambda: told() == 1)
    wait_for(lambda: told() == 0)


def test_every_port_and_path_tells_the_same(served):
    def beside():
        return {name for name, _ in samples(families(f"{served.client.base_url}/metrics"))}

    # Each process finds the model's digest for itself, where fetch has not left it.
    wait_for(lambda: "model_info" in beside())
    wait_for(lambda: any(name == "model_info" for name, _ in scrape(served)))
    own = scrape(served, path="/metrics").keys()
    assert scrape(served, path="/prometheus").keys() == own
    assert beside() == {name for name, _ in own}


def test_the_trace_of_a_call_is_an_exemplar_of_its_bucket(served):
    header = f"00-{TRACE}-b7ad6b7169203331-01"
    assert served.post("/predict", rows(1), headers={"traceparent": header}).status_code == 200
    # Nobody keeps this one.
    unsampled = f"00-{TRACE[::-1]}-b7ad6b7169203331-00"
    assert served.post("/predict", rows(1), headers={"traceparent": unsampled}).status_code == 200
    url = f"http://127.0.0.1:{served.health_port}/metrics"
    (family,) = [each for each in families(url, OPENMETRICS) if each.name == f"{P}_request_duration_seconds"]
    (sample,) = [each for each in family.samples if each.exemplar]
    assert sample.labels["method"] == "/predict"
    assert sample.exemplar.labels == {"trace_id": TRACE}
    assert sample.exemplar.value <= float(sample.labels["le"])
    assert not [each for one in families(url) for each in one.samples if each.exemplar]


def test_nothing_that_a_client_sends_makes_a_series(served):
    def named():
        return set(scrape(served))

    served.client.get("/odd")
    served.client.request("ODD", "/odd")
    assert served.post("/predict", rows(1), headers={"x-odd": "odd"}).status_code == 200
    with pytest.raises(grpc.RpcError):
        called(served.grpc_port, "/odd/Odd")
    before = named()
    for number in range(200):
        path, method = f"/odd-{number}?a={number}", ("GET", "POST", "PATCH", "DELETE", "OPTIONS")[number % 5]
        headers = {"x-odd": str(number), "user-agent": str(number), "seldon-puid": str(number)}
        assert served.client.request(method, path, headers=headers).status_code == 404
        headers["traceparent"] = f"00-{number + 1:032x}-b7ad6b7169203331-01"
        assert served.post("/predict", rows(1), headers=headers).status_code == 200
    for number in range(20):
        with pytest.raises(grpc.RpcError):
            called(served.grpc_port, f"/odd{number}/Odd")
    # An answer may come into a bucket that was there before; that takes no other name or label.
    assert named() == before


def test_a_request_that_the_transport_refuses_is_counted(served):
    before = scrape(served)
    address = ("127.0.0.1", served.client.base_url.port)
    for head in (b"Content-Length: 99999999999\r\n", b"a: " + b"b" * 70_000 + b"\r\n", b"Host: c\r\n"):
        with socket.create_connection(address, timeout=30) as sock:
            sock.sendall(b"POST /predict HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n")
            assert Client(sock).response().status in (400, 413, 431)
    # By gRPC it is the library that refuses.
    with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
        called(served.grpc_port, "/seldon.protos.Model/Predict", 10_000)
    too_large = {"interface": "grpc", "method": "/seldon.protos.Model/Predict", "code": "RESOURCE_EXHAUSTED"}
    wait_for(lambda: grown(before, scrape(served), f"{P}_requests_total", **too_large) == 1)
    after = scrape(served)
    labels = {"interface": "grpc", "reason": "body_too_large"}
    assert grown(before, after, f"{P}_refused_requests_total", **labels) == 1
    for reason, code in (("body_too_large", "413"), ("head_too_large", "431"), ("bad_data", "400")):
        assert grown(before, after, f"{P}_refused_requests_total", interface="rest", reason=reason) == 1
        labels = {"interface": "rest", "method": "other", "code": code}
        assert grown(before, after, f"{P}_requests_total", **labels) == 1


def test_scrapes_under_load_are_whole_and_count_every_call(served):
    before = scrape(served)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        clients = [httpx.Client(base_url=served.client.base_url, timeout=30) for _ in range(4)]

        def load(client):
            return [client.post("/predict", json=rows(2)).status_code for _ in range(100)]

        loading = [pool.submit(load, client) for client in clients]
        last = before
        while not all(each.done() for each in loading):
            for accept in ("", OPENMETRICS):
                found = scrape(served, accept)
                for (name, labels), number in last.items():
                    if name.endswith(("_total", "_count", "_bucket")) and name.startswith(f"{P}_request"):
                        assert found[name, labels] >= number, name
                last = found
        assert {status for each in loading for status in each.result()} == {200}
        for client in clients:
            client.close()
    labels = {"interface": "rest", "method": "/predict", "code": "200"}
    assert grown(before, scrape(served), f"{P}_requests_total", **labels) == 400


@pytest.mark.long
def test_without_metrics_the_servers_state_is_told(tmp_path):
    environ = {"SERVER_METRICS": "false", "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/elsewhere"}
    with serving(tmp_path, MODEL, environ=environ) as served:
        assert served.post("/predict", rows(1)).status_code == 200
        found = scrape(served, path="/elsewhere")
        assert value(found, f"{P}_ready") == 1
        assert {name for name, _ in found} == {
            f"{P}_{name}"
            for name in (
                *("ready", "event_loop_silence_seconds", "connections", "connections_limit"),
                *("calls_waiting", "calls_waiting_limit", "budget_bytes", "budget_limit_bytes"),
            )
        }


def restarts(served):
    return {
        dict(labels)["reason"]: number
        for (name, labels), number in scrape(served).items()
        if "_restarts" in name
    }


@pytest.mark.long
def test_a_model_that_ends_is_counted_with_the_reason_and_what_was_counted_stays(tmp_path, slow_model):
    environ = {"SERVER_DEADLINE_SECONDS": "1", "SERVER_GRACE_SECONDS": "1"}
    with serving(tmp_path, slow_model, environ=environ) as served:
        ok = {"interface": "rest", "method": "/predict", "code": "200"}
        assert served.post("/predict", {"data": {"ndarray": [[0]]}}).status_code == 200
        assert served.post("/predict", {"data": {"ndarray": [[-1]]}}).status_code == 503
        wait_for(lambda: restarts(served)["signal"] == 1)
        served.wait_until_ready()
        os.kill(served.worker(), signal.SIGKILL)
        wait_for(lambda: restarts(served)["signal"] == 2)
        served.wait_until_ready()
        assert served.post("/predict", {"data": {"ndarray": [[0]]}}).status_code == 200
        assert served.post("/predict", {"data": {"ndarray": [[1000]]}}).status_code == 504
        wait_for(lambda: restarts(served)["hung"] == 1)
        served.wait_until_ready()
        found = scrape(served)
        assert value(found, f"{P}_requests_total", **ok) == 2
        assert value(found, f"{P}_model_duration_seconds_count") == 2
        assert value(found, f"{P}_model_calls_in_progress") == 0
        assert sum(restarts(served).values()) == 3


@pytest.mark.long
def test_forked_processes_of_the_model_are_counted_too(tmp_path, slow_model):
    with serving(tmp_path, slow_model, environ={"SERVER_MODEL_PROCESSES": "2"}) as served:
        worker = served.worker()
        wait_for(lambda: len(served.model_processes()) == 2)
        wait_for(lambda: value(scrape(served), f"{P}_process_open_fds", process="model-2") > 0)
        os.kill(served.model_processes()[0], signal.SIGTERM)
        wait_for(lambda: restarts(served)["signal"] == 1)
        wait_for(lambda: len(served.model_processes()) == 2)
        wait_for(lambda: value(scrape(served), f"{P}_process_resident_memory_bytes", process="model-2") > 0)
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: restarts(served)["signal"] == 2)


@pytest.mark.long
def test_what_the_model_counts_and_tags_goes_the_wrappers_way(tmp_path):
    environ = {**OPERATOR, "SERVER_EDGE_PROCESSES": "2"}
    with serving(tmp_path, counting.write(tmp_path / "model"), environ=environ) as served:
        message = {"data": {"ndarray": [[1]]}, "meta": {"tags": {"mine": 1, "given": "by me"}}}
        (answer,) = several(served, 1, "/predict", message)
        meta = answer.json()["meta"]
        assert meta["tags"] == {"mine": 1, "given": "by the model", "calls": 1}
        assert [each["key"] for each in meta["metrics"]] == ["flowers", "heat", "watering"]
        assert {each.status_code for each in several(served, 7, "/predict", message)} == {200}
        called(served.grpc_port, "/seldon.protos.Model/Predict")
        for accept in ("", OPENMETRICS):
            found = scrape(served, accept)
            totals = {
                name: number
                for (name, labels), number in found.items()
                if {("deployment_name", "iris"), ("model_name", "model"), ("predictor_version", "v1")}
                <= labels
                and ("method", "predict") in labels
            }
            assert totals["flowers_total"] == 18
            assert totals["heat"] == 9
            assert totals["watering_count"] == 9
            assert totals["watering_sum"] == pytest.approx(9 * 0.0202)
        assert value(found, f"{P}_custom_metrics_dropped_total") == 0


@pytest.mark.long
def test_the_models_metrics_stay_out_of_answers_if_so_set(tmp_path):
    environ = {"INCLUDE_METRICS_IN_CLIENT_RESPONSE": "false"}
    with serving(tmp_path, counting.write(tmp_path / "model"), environ=environ) as served:
        meta = served.post("/predict", {"data": {"ndarray": [[1]]}}).json()["meta"]
        assert "metrics" not in meta
        assert meta["tags"]["calls"] == 1
        assert any(name == "flowers_total" for name, _ in scrape(served))
