"""Payloads of real servers, sent as CloudEvents to a real sink: quick, silent, failing and absent."""

from __future__ import annotations

import base64
import json
import re
import uuid

import grpc
import pytest

from server.errors import BadSetting
from server.protocol.proto.prediction_pb2 import Feedback, Meta, SeldonMessage
from server.settings import ServeSettings
from server.telemetry import payload_log
from server.telemetry.call_record import Payload, Telemetry
from server.telemetry.payload_log import PayloadLog, address
from tests.polling import wait_for
from tests.server.pickled import pickled
from tests.server.running_server import free_port, serving
from tests.server.scraping import P, scrape, value
from tests.server.streamer import write
from tests.server.telemetry.loopback import receiving
from tests.server.telemetry.telling import MODEL, TRACEPARENT, predict, rows

pytestmark = pytest.mark.xdist_group("payload_log")

SECRET = "hunter2-hunter2"
REQUEST, RESPONSE = "io.seldon.serving.inference.request", "io.seldon.serving.inference.response"
FEEDBACK = "io.seldon.serving.feedback"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return pickled(tmp_path_factory.mktemp("model"), MODEL)


@pytest.fixture(scope="module")
def sink():
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def served(tmp_path_factory, model, sink):
    environ = {
        "SERVER_PAYLOAD_LOG_URL": sink.url.replace("://", f"://user:{SECRET}@") + "/broker",
        "SELDON_DEPLOYMENT_ID": "wine",
        "PREDICTOR_ID": "default",
        "POD_NAMESPACE": "models",
        "SERVER_LARGE_BODY_BYTES": "4096",
    }
    with serving(tmp_path_factory.mktemp("logged"), model, environ=environ) as running:
        yield running


def events(sink, puid, count=2):
    """Return the events of a call, when so many have come."""

    def found():
        return [each for each in list(sink.received) if each.headers["ce-requestid"] == puid]

    wait_for(lambda: len(found()) >= count)
    assert len(found()) == count
    return found()


def test_a_call_over_rest_is_two_events_as_seldons_orchestrator_sends_them(served, sink):
    answer = served.post("/predict", rows([1, 2], puid="rest"), headers={"traceparent": TRACEPARENT})
    request, response = events(sink, "rest")
    for event in (request, response):
        assert event.path == "/broker"
        assert event.headers["ce-specversion"] == "1.0"
        assert event.headers["ce-source"] == f"http://:{served.client.base_url.port}/"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event.headers["ce-time"])
        assert event.headers["ce-inferenceservicename"] == "wine"
        assert event.headers["ce-modelid"] == "model"
        assert event.headers["ce-namespace"] == "models"
        assert event.headers["ce-endpoint"] == "default"
        assert event.headers["ce-protocol"] == "seldon"
        assert event.headers["ce-traceparent"] == TRACEPARENT
        assert event.headers["content-type"].startswith("application/json")
        assert uuid.UUID(event.headers["ce-id"]).version == 4
    assert (request.headers["ce-type"], response.headers["ce-type"]) == (REQUEST, RESPONSE)
    assert request.headers["ce-id"] != response.headers["ce-id"]
    assert (request.body, response.body) == (answer.request.content, answer.content)


def test_a_call_over_grpc_is_two_events(served, sink):
    answer = predict(served, 1, 2, seldon_puid="grpc")
    request, response = events(sink, "grpc")
    assert {request.headers["content-type"], response.headers["content-type"]} == {"application/protobuf"}
    assert SeldonMessage.FromString(request.body).data.tensor.values == [1, 2]
    assert SeldonMessage.FromString(response.body) == answer


def test_a_large_call_is_two_events(served, sink):
    answer = served.post("/predict", rows(*[[1, 2]] * 1000, puid="large"))
    assert [event.body for event in events(sink, "large")] == [answer.request.content, answer.content]


def test_a_call_by_another_protocol_says_which(served, sink):
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}
    answer = served.post("/v2/models/model/infer", {"id": "v2", "inputs": [tensor]})
    assert answer.status_code == 200
    assert [event.headers["ce-protocol"] for event in events(sink, "v2")] == ["v2", "v2"]


def test_of_a_call_that_fails_there_is_the_request_alone(served, sink):
    assert served.post("/predict", rows([-1], puid="failed")).status_code == 500
    (request,) = events(sink, "failed", 1)
    assert request.headers["ce-type"] == REQUEST


@pytest.mark.parametrize("path", ["/api/v1.0/feedback", "/send-feedback"])
def test_feedback_is_one_event_with_the_id_of_its_prediction(served, sink, path):
    puid = f"judged by {path}"
    message = {"request": rows([1, 2]), "response": {"meta": {"puid": puid}}, "reward": 0.5}
    answer = served.post(path, message, headers={"seldon-puid": puid})
    assert answer.status_code == 200
    (event,) = events(sink, puid.replace(" ", "%20"), 1)
    assert event.body == answer.request.content
    headers = {
        name: event.headers[name]
        for name in ("ce-type", "ce-inferenceservicename", "ce-modelid", "ce-namespace")
    }
    assert headers == {
        "ce-type": FEEDBACK,
        "ce-inferenceservicename": "wine",
        "ce-modelid": "model",
        "ce-namespace": "models",
    }
    assert (
        served.post(path, {"reward": "good"}, headers={"seldon-puid": f"{puid} refused"}).status_code == 400
    )
    served.post("/predict", rows([1, 2], puid=f"{puid} behind"))
    events(sink, f"{puid} behind".replace(" ", "%20"))
    assert not [each for each in sink.received if "refused" in each.headers["ce-requestid"]]


def test_feedback_over_grpc_is_one_event(served, sink):
    sent = Feedback(request=SeldonMessage(meta=Meta(puid="judged")), reward=1).SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        channel.unary_unary("/seldon.protos.Seldon/SendFeedback")(sent, timeout=30)
    (event,) = events(sink, "judged", 1)
    assert (event.headers["ce-type"], event.body) == (FEEDBACK, sent)


@pytest.mark.parametrize(("mode", "kinds"), [("request", []), ("response", [FEEDBACK]), ("all", [FEEDBACK])])
def test_feedback_goes_with_responses_and_is_no_part_of_the_sample(mode, kinds):
    with receiving() as sink:
        log = PayloadLog(
            ServeSettings(payload_log_url=sink.url, payload_log_mode=mode, payload_log_sample=1000)
        )
        record = Telemetry().begin("rest", "/api/v1.0/feedback", "10.0.0.1", {})
        record.request, record.feeds_back = Payload(b"{}", "application/json"), True
        log.ended(record)
        log.stop(10)
        assert [each.headers["ce-type"] for each in sink.received] == kinds


def test_what_is_no_prediction_is_no_event(served, sink):
    for path in ("/metadata", "/health/ping", "/nowhere"):
        served.client.get(path, headers={"seldon-puid": "other"})
    served.post("/predict", rows([1, 2], puid="behind"))
    events(sink, "behind")
    assert not [each for each in sink.received if each.headers["ce-requestid"] == "other"]


def test_the_sinks_password_is_a_header_and_never_in_the_log(served, sink):
    expected = base64.b64encode(f"user:{SECRET}".encode()).decode()
    served.post("/predict", rows([1, 2], puid="password"))
    assert events(sink, "password")[0].headers["authorization"] == f"Basic {expected}"
    assert SECRET not in served.log.read_text()


@pytest.mark.long
def test_an_answer_in_parts_is_one_event(tmp_path, sink):
    model = write(tmp_path / "streamer")
    with serving(
        tmp_path, model, environ={"SERVER_PAYLOAD_LOG_URL": sink.url, "SERVER_GRPC": "off"}
    ) as running:
        body = json.dumps({"jsonData": {"parts": 3, "size": 10}, "meta": {"puid": "parts"}}).encode()
        answer = running.client.post("/predict_stream", content=body, headers={"seldon-puid": "parts"})
        request, response = events(sink, "parts")
        assert (request.body, response.body) == (body, answer.content)
        assert response.headers["content-type"].startswith("text/event-stream")


# A sink that does not take them.


@pytest.mark.long
def test_a_sink_that_never_answers_delays_nothing_and_costs_no_more_than_its_bound(tmp_path, model):
    with receiving() as sink:
        sink.open.clear()
        environ = {
            "SERVER_PAYLOAD_LOG_URL": sink.url,
            "SERVER_PAYLOAD_LOG_BYTES": "65536",
            "SERVER_GRPC": "off",
        }
        with serving(tmp_path, model, environ=environ) as running:
            answers = [running.post("/predict", rows([1, 2])) for _ in range(300)]
            wait_for(lambda: sink.came == 1)
            # All have come, and the sink has answered nothing yet.
            assert {answer.status_code for answer in answers} == {200}
            assert sink.received == []
        assert running.process.returncode == 0


@pytest.mark.parametrize("mode", ["all", "request", "response"])
def test_the_mode_says_which_payloads_are_sent(mode):
    with receiving() as sink:
        log = PayloadLog(ServeSettings(payload_log_url=sink.url, payload_log_mode=mode))
        call(log, "one")
        log.stop(10)
        kinds = [each.headers["ce-type"] for each in sink.received]
    assert kinds == {"all": [REQUEST, RESPONSE], "request": [REQUEST], "response": [RESPONSE]}[mode]


def call(log, puid, size=10):
    """Let a call begin and end that ``log`` observes."""
    telemetry = Telemetry()
    telemetry.observers.append(log)
    record = telemetry.begin("rest", "/predict", "127.0.0.1", {})
    record.puid, record.predicts = puid, True
    record.request = record.response = Payload(b"x" * size, "application/json")
    record.code = "200"
    telemetry.end(record)


def test_one_in_so_many_is_sent():
    with receiving() as sink:
        log = PayloadLog(
            ServeSettings(payload_log_url=sink.url, payload_log_sample=5, payload_log_mode="request")
        )
        for number in range(23):
            call(log, str(number))
        log.stop(10)
        assert [each.headers["ce-requestid"] for each in sink.received] == ["0", "5", "10", "15", "20"]
        assert (log.sent, log.dropped, log.failed) == (5, 0, 0)


@pytest.mark.parametrize("bound", [{"payload_log_events": 7}, {"payload_log_bytes": 7 * (100 + 1024)}])
def test_what_does_not_fit_the_bound_is_dropped_and_counted(bound, caplog):
    with receiving() as sink:
        sink.open.clear()
        log = PayloadLog(ServeSettings(payload_log_url=sink.url, payload_log_mode="request", **bound))
        for number in range(50):
            call(log, str(number), 100)
        assert log.dropped == 43
        (said,) = [each.getMessage() for each in caplog.records]
        assert said.startswith("payloads are dropped: the sink takes them more slowly than they come; ")
        sink.open.set()
        wait_for(lambda: log.sent == 7)
        call(log, "after", 100)
        wait_for(lambda: log.sent == 8)
        log.stop(10)
        assert [each.headers["ce-requestid"] for each in sink.received] == [*map(str, range(7)), "after"]


def test_what_became_of_events_is_told_prometheus(served, sink):
    def told(result):
        return value(scrape(served), f"{P}_payload_events_total", result=result)

    before = told("sent")
    served.post("/predict", rows([1, 2], puid="counted"))
    events(sink, "counted")
    wait_for(lambda: told("sent") >= before + 2)
    assert told("dropped") == told("failed") == 0


def test_a_sink_that_fails_gets_an_event_again_and_one_that_refuses_does_not(monkeypatch, caplog):
    monkeypatch.setattr(payload_log, "FIRST_DELAY", 0.01)
    with receiving() as sink:
        sink.statuses[:] = [503, 429, 200, 400, 500, 500, 500]
        log = PayloadLog(ServeSettings(payload_log_url=sink.url, payload_log_mode="request"))
        for puid in ("again", "refused", "given up", "last"):
            call(log, puid)
        wait_for(lambda: log.sent == 2)
        log.stop(10)
        assert [each.headers["ce-requestid"] for each in sink.received] == ["again", "last"]
        assert (log.sent, log.failed) == (2, 2)
    said = [each.getMessage() for each in caplog.records]
    assert len(said) == 4
    assert said[0] == (
        "payloads cannot be logged: it answers 503; what does not fit SERVER_PAYLOAD_LOG_BYTES or "
        "SERVER_PAYLOAD_LOG_EVENTS is dropped"
    )
    assert said[3] == "payloads are logged again; 0 events found no place and 2 were not taken"


def test_a_sink_that_is_not_there_ends_nothing(monkeypatch, caplog):
    log = PayloadLog(ServeSettings(payload_log_url=f"http://user:{SECRET}@127.0.0.1:{free_port()}/{SECRET}"))
    call(log, "lost")
    wait_for(lambda: caplog.records)
    log.stop(10)
    assert (log.sent, log.failed) == (0, 2)
    assert "it cannot be reached (NewConnectionError)" in caplog.text
    assert SECRET not in caplog.text


def test_names_and_ids_that_no_header_holds_are_encoded():
    with receiving() as sink:
        log = PayloadLog(
            ServeSettings(payload_log_url=sink.url, node="mod\nel ü%", payload_log_mode="request")
        )
        call(log, 'a "b"')
        log.stop(10)
        (event,) = sink.received
    assert event.headers["ce-modelid"] == "mod%0Ael%20%C3%BC%25"
    assert event.headers["ce-requestid"] == "a%20%22b%22"
    assert "ce-namespace" not in event.headers


def test_an_event_that_cannot_be_sent_is_the_only_one_that_is_lost(monkeypatch, caplog):
    with receiving() as sink:
        log = PayloadLog(ServeSettings(payload_log_url=sink.url, payload_log_mode="request"))
        made = log._events.event
        broken = iter([{"ce-id": "a\nb: c"}])

        def event(kind, record, payload):
            whole = made(kind, record, payload)
            return whole._replace(headers={**whole.headers, **next(broken, {})})

        monkeypatch.setattr(log._events, "event", event)
        call(log, "broken")
        call(log, "after")
        wait_for(lambda: log.sent == 1)
        log.stop(10)
        assert [each.headers["ce-requestid"] for each in sink.received] == ["after"]
        assert log.failed == 1


@pytest.mark.parametrize(
    "url",
    [
        f"{SECRET}.example/path",
        f"ftp://{SECRET}",
        f"http:///{SECRET}",
        SECRET,
        f"http://u:{SECRET}@[::1",
        f"http://u:{SECRET}@broker:port/",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(url):
    with pytest.raises(BadSetting) as refused:
        address(url)
    assert str(refused.value) == (
        "SERVER_PAYLOAD_LOG_URL=(hidden): must be the address of a sink, as in http://broker.namespace/path"
    )
