"""Traces of real servers, sent to a real receiver of OTLP over HTTP."""

from __future__ import annotations

import concurrent.futures
import itertools
import time

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from server.settings import ServeSettings
from server.telemetry.call_record import Telemetry
from server.telemetry.tracing import Tracing
from tests.polling import wait_for
from tests.server.pickled import pickled
from tests.server.running_server import free_port, serving
from tests.server.scraping import P, scrape, value
from tests.server.telemetry.loopback import receiving
from tests.server.telemetry.telling import MODEL, SPAN, TRACE, TRACEPARENT, line_of, predict, rows

pytestmark = pytest.mark.xdist_group("tracing")

SECRET = "hunter2-hunter2"
PARTS = ["decode", "queue", "model", "encode"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return pickled(tmp_path_factory.mktemp("model"), MODEL)


@pytest.fixture(scope="module")
def collector():
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def served(tmp_path_factory, model, collector):
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{SECRET}",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "SELDON_DEPLOYMENT_ID": "wine",
        "PREDICTOR_ID": "default",
        "POD_NAMESPACE": "models",
        "LOG_FORMAT": "json",
        "SERVER_ACCESS_LOG": "all",
    }
    with serving(tmp_path_factory.mktemp("traced"), model, environ=environ, batching="on") as running:
        yield running


def sent(collector):
    """Return every span that came, with its resource."""
    found = []
    for request in list(collector.received):
        for group in ExportTraceServiceRequest.FromString(request.body).resource_spans:
            for scope in group.scope_spans:
                found += [(span, group.resource) for span in scope.spans]
    return found


def attributes(holder):
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in holder.attributes}


def call_of(collector, puid):
    """Return the server's span of a call and its parts by name, when they have come."""

    def servers():
        return [span for span, _ in sent(collector) if attributes(span).get("seldon.puid") == puid]

    wait_for(servers)
    (server,) = servers()

    parts = {span.name: span for span, _ in sent(collector) if span.parent_span_id == server.span_id}
    return server, parts


def test_a_call_over_rest_is_a_span_and_its_parts(served, collector):
    before = time.time_ns()
    served.post("/predict", rows([1, 2], [3, 4], puid="rest"), headers={"traceparent": TRACEPARENT})
    after = time.time_ns()
    server, parts = call_of(collector, "rest")
    assert (server.name, server.kind) == ("POST /predict", Span.SPAN_KIND_SERVER)
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, SPAN)
    said = attributes(server)
    assert said["http.response.status_code"] == 200
    assert said["http.request.method"] == "POST"
    assert said["http.route"] == said["url.path"] == "/predict"
    assert said["client.address"] == "127.0.0.1"
    assert server.status.code == Status.STATUS_CODE_UNSET
    # The parts follow each other, from its beginning to its end.
    assert sorted(parts, key=lambda name: parts[name].start_time_unix_nano) == PARTS
    assert {part.trace_id for part in parts.values()} == {server.trace_id}
    in_order = [parts[name] for name in PARTS]
    assert before <= server.start_time_unix_nano == in_order[0].start_time_unix_nano
    for one, next_one in itertools.pairwise(in_order):
        assert one.start_time_unix_nano <= one.end_time_unix_nano == next_one.start_time_unix_nano
    assert in_order[-1].end_time_unix_nano == server.end_time_unix_nano <= after
    model = attributes(parts["model"])
    assert (model["model.rows"], model["model.batch.calls"], model["model.batch.rows"]) == (2, 1, 2)
    assert model["model.seconds"] > 0
    assert not parts["model"].links


def test_a_call_over_grpc_is_a_span_and_its_parts(served, collector):
    predict(served, 1, 2, seldon_puid="grpc", traceparent=TRACEPARENT, tracestate="vendor=value")
    server, parts = call_of(collector, "grpc")
    assert (server.name, server.kind) == ("seldon.protos.Model/Predict", Span.SPAN_KIND_SERVER)
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, SPAN)
    assert server.trace_state == "vendor=value"
    said = attributes(server)
    assert said["rpc.system.name"] == "grpc"
    assert said["rpc.method"] == "seldon.protos.Model/Predict"
    assert said["rpc.response.status_code"] == "OK"
    assert sorted(parts) == sorted(PARTS)


def test_a_resource_is_the_pod(served, collector):
    served.post("/predict", rows([1, 2], puid="resource"))
    call_of(collector, "resource")
    said = next(
        attributes(resource)
        for span, resource in sent(collector)
        if attributes(span).get("seldon.puid") == "resource"
    )
    assert said["service.name"] == "wine"
    assert said["k8s.namespace.name"] == "models"
    assert said["k8s.container.name"] == "model"
    assert said["seldon.predictor"] == "default"
    assert said["deployment.environment.name"] == "test"
    assert collector.received[0].path == "/v1/traces"


def test_a_call_without_a_parent_begins_a_trace_which_its_line_names(served, collector):
    served.post("/predict", rows([1, 2], puid="root"), headers={"traceparent": "00-nonsense"})
    server, _ = call_of(collector, "root")
    assert server.parent_span_id == b""
    assert line_of(served, puid="root")["trace_id"] == server.trace_id.hex()


def test_a_call_whose_client_records_nothing_has_no_spans(served, collector):
    unsampled = TRACEPARENT[:-2] + "00"
    served.post("/predict", rows([1, 2], puid="unsampled"), headers={"traceparent": unsampled})
    served.post("/predict", rows([1, 2], puid="behind"))
    call_of(collector, "behind")
    assert line_of(served, puid="unsampled")["trace_id"] == TRACE
    assert not [span for span, _ in sent(collector) if attributes(span).get("seldon.puid") == "unsampled"]


def test_the_model_is_linked_to_the_other_calls_of_its_batch(served, collector):
    def post(number):
        return served.post("/predict", rows([0.9 if number == 0 else 0.001], puid=f"batch-{number}"))

    with concurrent.futures.ThreadPoolExecutor(7) as pool:
        first = pool.submit(post, 0)
        wait_for(lambda: "ran 0.9 puid=batch-0" in served.log.read_text())
        others = [pool.submit(post, number) for number in range(1, 7)]
        assert all(each.result().status_code == 200 for each in (first, *others))
    calls = [call_of(collector, f"batch-{number}") for number in range(1, 7)]
    links = {server.span_id: {link.span_id for link in parts["model"].links} for server, parts in calls}
    for server, parts in calls:
        assert attributes(parts["model"])["model.batch.calls"] == len(links[server.span_id]) + 1
    assert all(one in links[other] and one != other for one in links for other in links[one])
    assert max(map(len, links.values())) >= 2


def test_a_failed_call_is_an_error_and_has_nothing_of_the_request(served, collector):
    served.client.post(
        f"/predict?token={SECRET}",
        json=rows([-77.25], puid="failed"),
        headers={"authorization": f"Bearer {SECRET}", "cookie": SECRET},
    )
    with pytest.raises(grpc.RpcError):
        predict(served, -77.25, seldon_puid="failed-grpc", authorization=SECRET)
    for puid in ("failed", "failed-grpc"):
        server, _ = call_of(collector, puid)
        assert server.status.code == Status.STATUS_CODE_ERROR
        assert server.status.message == ""
        assert attributes(server)["error.type"] == "ModelFailed"
    assert not [body for body in collector.received if SECRET.encode() in body.body]
    assert SECRET not in served.log.read_text()
    assert collector.received[0].headers["authorization"] == f"Bearer {SECRET}"


def test_a_path_that_is_not_served_names_no_span(served, collector):
    served.client.get("/nowhere/at%0aall", headers={"seldon-puid": "nowhere"})
    server, parts = call_of(collector, "nowhere")
    assert server.name == "GET"
    assert server.status.code == Status.STATUS_CODE_UNSET
    assert "http.route" not in attributes(server)
    assert attributes(server)["url.path"] == "/nowhere/at\\nall"
    assert not parts


# The receiver fails, and settings.


@pytest.mark.long
def test_a_collector_that_is_not_there_delays_nothing_and_is_named_once(tmp_path, model):
    port = free_port()
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:{SECRET}@127.0.0.1:{port}/{SECRET}?{SECRET}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BSP_MAX_QUEUE_SIZE": "16",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "8",
        "SERVER_GRPC": "off",
    }
    with serving(tmp_path, model, environ=environ) as running:
        for _ in range(50):
            assert running.post("/predict", rows([1, 2])).status_code == 200
        wait_for(lambda: "traces cannot be sent" in running.log.read_text())
    log = running.log.read_text()
    assert running.process.returncode == 0
    assert SECRET not in log
    assert log.count("traces cannot be sent") <= 2  # Each process of the server says so.


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL='grpc': must be http/protobuf, at a collector's port for that, as in "
            "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318; OTEL_TRACES_EXPORTER=none sends no traces",
        ),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER='zipkin': must be one of otlp, none"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": f"collector-{SECRET}:4317"},
            "OTEL_EXPORTER_OTLP_ENDPOINT=(hidden): must be a URL, as in http://collector:4318",
        ),
    ],
)
def test_what_cannot_be_followed_ends_serve_with_one_message(tmp_path, model, environ, message):
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", **environ}
    with serving(tmp_path, model, environ=given, ready=False) as running:
        assert running.process.wait(60) == 2
    said = [line for line in running.log.read_text().splitlines() if " ERROR " in line]
    assert len(said) == 1
    assert said[0].endswith(message)
    assert SECRET not in running.log.read_text()


def test_what_is_left_is_sent_when_the_server_ends(tmp_path, model):
    with receiving() as receiver:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "SERVER_PAYLOAD_LOG_URL": receiver.url + "/payloads",
        }
        with serving(tmp_path, model, environ={**environ, "OTEL_BSP_SCHEDULE_DELAY": "600000"}) as running:
            running.post("/predict", rows([1, 2], puid="last"))
            predict(running, 1, 2, seldon_puid="last-grpc")
        assert running.process.returncode == 0
        traces = [each for each in receiver.received if each.path == "/v1/traces"]
        payloads = [each for each in receiver.received if each.path == "/payloads"]
        receiver.received[:] = traces
        puids = {attributes(span).get("seldon.puid") for span, _ in sent(receiver)}
        assert {"last", "last-grpc"} <= puids
        assert [each.headers["ce-requestid"] for each in payloads].count("last-grpc") == 2


def test_what_became_of_spans_is_told_prometheus(served, collector):
    def told(result):
        return value(scrape(served), f"{P}_spans_total", result=result)

    before = told("sent")
    served.post("/predict", rows([1, 2], puid="told"))
    call_of(collector, "told")
    wait_for(lambda: told("sent") >= before + 5)
    assert told("dropped") == told("failed") == 0


def test_spans_that_find_no_place_are_counted(monkeypatch, caplog):
    with receiving() as collector:
        collector.open.clear()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        tracing = Tracing(ServeSettings(), {"OTEL_BSP_MAX_QUEUE_SIZE": "600"})
        telemetry = Telemetry()
        telemetry.observers.append(tracing)

        def call(count):
            for _ in range(count):
                record = telemetry.begin(
                    "rest", "/predict", "10.0.0.1", {}, http_method="POST", path="/predict"
                )
                record.code = "200"
                telemetry.end(record)

        call(512)
        wait_for(lambda: collector.came == 1)  # A batch is under way; 600 find a place behind it.
        call(607)
        assert tracing.spans == {"sent": 0, "dropped": 7, "failed": 0}
        collector.open.set()
        tracing.stop(30)
        assert tracing.spans == {"sent": 1112, "dropped": 7, "failed": 0}
        assert len(sent(collector)) == 1112
    (said,) = (each.getMessage() for each in caplog.records if each.name == "server.telemetry.tracing")
    assert said.startswith("spans are dropped: the collector takes them more slowly than they come; ")
