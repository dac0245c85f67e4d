"""/predict_stream of a running server: events, errors, clients that leave, deadlines, and what the model's process does."""

from __future__ import annotations

import concurrent.futures
import json
import signal
import socket

import pytest

from tests.polling import wait_for
from tests.server import streamer
from tests.server.running_server import REST, serving
from tests.server.transport.http.http_serving import Client

pytestmark = pytest.mark.xdist_group("stream")

DONE = "[DONE]"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return streamer.write(tmp_path_factory.mktemp("streamer") / "model")


@pytest.fixture(scope="module")
def served(tmp_path_factory, model):
    with serving(tmp_path_factory.mktemp("served"), model, environ=REST) as running:
        yield running


@pytest.fixture
def gate(tmp_path):
    """A file that a part waits for, and its opening."""
    return tmp_path / "gate"


def events(text):
    """Return the events of a text, each as its name and data."""
    found = []
    for event in text.split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in event.split("\n"))
        data = lines.pop("data")
        found.append((lines.pop("event", "message"), data if data == DONE else json.loads(data)))
        assert not lines
    assert text.endswith("\n\n")
    return found


def parts(count, start=0):
    return [("message", {"part": number, "text": ""}) for number in range(start, count)]


def streamed(served, **asked):
    response = served.post("/predict_stream", asked)
    assert response.status_code == 200, response.text
    return events(response.text)


class Streaming:
    """A stream that is read event by event."""

    def __init__(self, served, **asked):
        self._context = served.client.stream("POST", "/predict_stream", json=asked, timeout=60)

    def __enter__(self):
        self.response = self._context.__enter__()
        assert self.response.status_code == 200
        self._lines = self.response.iter_lines()
        return self

    def __exit__(self, *error):
        self._context.__exit__(*error)

    def next(self):
        """Return the next event."""
        text = ""
        for line in self._lines:
            if not line:
                return events(f"{text}\n")[0]
            text += f"{line}\n"
        raise AssertionError("the stream has ended")

    def rest(self):
        return events("".join(f"{line}\n" for line in self._lines))


def logged(served, start):
    return served.printed(start)


def error(text, reason):
    status = {"code": -1, "info": text, "reason": reason, "status": 1}
    return ("error", {"error": text, "status": status})


# Events.


@pytest.mark.parametrize("body", [{"parts": 3}, {"jsonData": {"parts": 3}}])
def test_parts_are_events_and_then_done(served, body):
    response = served.post("/predict_stream", body, headers={"seldon-puid": "a-puid"})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["seldon-puid"] == "a-puid"
    assert events(response.text) == [*parts(3), ("message", DONE)]


def test_one_without_parts_is_done(served):
    assert streamed(served, parts=0) == [("message", DONE)]


def test_a_part_is_sent_before_the_next_is_made(served, gate):
    with Streaming(served, parts=3, waits=1, until=str(gate)) as stream:
        assert stream.next() == parts(1)[0]
        gate.touch()
        assert stream.rest() == [*parts(3, 1), ("message", DONE)]


def test_http_1_0_gets_events_until_the_connection_ends(served):
    body = b'{"parts": 2}'
    with connected(served) as client:
        client.send(b"POST /predict_stream HTTP/1.0\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        assert "transfer-encoding" not in client.head()
        assert events(client.rest().decode()) == [*parts(2), ("message", DONE)]


def connected(served):
    url = served.client.base_url
    sock = socket.create_connection((url.host, url.port), 30)
    return Client(sock)


# Errors.


def test_an_error_before_the_first_part_has_a_status(served):
    response = served.post("/predict_stream", {"refuses": True, "parts": 1})
    assert response.status_code == 500
    assert response.json()["status"]["info"] == "ValueError: before the first part"
    assert streamed(served, parts=1)[-1] == ("message", DONE)


def test_an_error_among_the_parts_is_an_event_before_the_end(served):
    expected = error("ValueError: as asked", "MICROSERVICE_INTERNAL_ERROR")
    assert streamed(served, parts=3, fails=2) == [*parts(2), expected, ("message", DONE)]
    # On the same connection.
    assert served.post("/predict", {"jsonData": {"a": 1}}).json()["jsonData"] == {"a": 1}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty"),
        (b"{", "the body is not JSON"),
        (b"[1]", "the body is [1]: it must be a JSON object"),
        (b'{"jsonData": {}, "strData": ""}', "it must have exactly one of"),
    ],
)
def test_a_bad_request_is_refused(served, body, said):
    response = served.post("/predict_stream", body)
    assert response.status_code == 400
    assert said in response.json()["status"]["info"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_another_method_is_not_allowed(served, method):
    response = served.client.request(method, "/predict_stream")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


def test_a_process_that_dies_is_told_of_and_started_again(served):
    *got, failure, end = streamed(served, parts=3, dies=2)
    assert got == parts(2)
    text = "the model's process ended before it answered; it is being started again: send the request again"
    assert (failure, end) == (error(text, "MICROSERVICE_NOT_READY"), ("message", DONE))
    served.wait_until_ready()
    assert streamed(served, parts=1) == [*parts(1), ("message", DONE)]


# The model's process.


def test_health_and_metadata_are_answered_meanwhile_and_calls_afterwards(served, gate):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = len(logged(served, "answered"))
        with Streaming(served, parts=2, waits=1, until=str(gate)) as stream:
            stream.next()
            waiting = pool.submit(served.post, "/predict", {"jsonData": {"a": 2}})
            assert served.client.get("/health/status").status_code == 200
            assert served.client.get("/metadata").status_code == 200
            assert not waiting.done()
            assert len(logged(served, "answered")) == answers
            gate.touch()
            assert stream.rest() == [*parts(2, 1), ("message", DONE)]
        assert waiting.result().json()["jsonData"] == {"a": 2}


def test_the_generator_of_a_client_that_leaves_is_closed(served):
    closed = len(logged(served, "closed"))
    with Streaming(served, parts=10**9) as stream:
        stream.next()
    wait_for(lambda: len(logged(served, "closed")) == closed + 1)
    assert served.post("/predict", {"jsonData": {"a": 3}}).json()["jsonData"] == {"a": 3}


@pytest.mark.long
def test_a_client_that_takes_nothing_holds_neither_memory_nor_the_model(tmp_path, model):
    with serving(tmp_path, model, environ={"SERVER_READ_SECONDS": "2"}) as served:
        body = b'{"parts": 1000000000, "size": 20000}'
        with connected(served) as client:
            client.send(
                b"POST /predict_stream HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            client.head()
            # It makes what fits the system's buffers and a few, not all that it could in the time.
            wait_for(lambda: logged(served, "closed"))
        made = int(logged(served, "closed")[0].split()[-1])
        assert made * 20000 < 64 * 1024 * 1024
        assert served.post("/predict", {"jsonData": {"a": 4}}).status_code == 200


@pytest.mark.long
def test_the_deadline_counts_between_parts(tmp_path, model, gate):
    with serving(tmp_path, model, environ={"SERVER_DEADLINE_SECONDS": "1"}) as served:
        with Streaming(served, parts=3, waits=2, until=str(gate)) as stream:
            assert [stream.next(), stream.next()] == parts(2)
            failure, end = stream.rest()
        assert failure[0] == "error"
        assert failure[1]["status"]["reason"] == "MICROSERVICE_DEADLINE_EXCEEDED"
        assert end == ("message", DONE)
        response = served.post("/predict_stream", {"parts": 1, "waits": 0, "until": str(gate)})
        assert response.status_code == 504
        gate.touch()
        wait_for(lambda: served.post("/predict", {"jsonData": {"a": 5}}).status_code == 200)


# The server's end.


@pytest.mark.long
def test_a_stream_may_end_within_the_drain_seconds(tmp_path, model, gate):
    with serving(tmp_path, model) as served, Streaming(served, parts=2, waits=1, until=str(gate)) as stream:
        stream.next()
        served.process.send_signal(signal.SIGTERM)
        gate.touch()
        assert stream.rest() == [*parts(2, 1), ("message", DONE)]
        assert served.process.wait(30) == 0


@pytest.mark.long
def test_one_that_goes_on_is_told_that_the_server_ends(tmp_path, model):
    with serving(tmp_path, model, environ={"SERVER_DRAIN_SECONDS": "2"}) as served:
        with Streaming(served, parts=10**9) as stream:
            stream.next()
            served.process.send_signal(signal.SIGTERM)
            *_, failure, end = stream.rest()
        assert failure == error("the server ends: send the request again", "MICROSERVICE_NOT_READY")
        assert end == ("message", DONE)
        assert served.process.wait(30) == 0
        assert logged(served, "closed")


# Several processes.


@pytest.mark.long
def test_others_are_answered_by_another_process_meanwhile(tmp_path, model, gate):
    environ = {"SERVER_MODEL_PROCESSES": "2", "SERVER_EDGE_PROCESSES": "2"}
    with (
        serving(tmp_path, model, environ=environ) as served,
        Streaming(served, parts=2, waits=1, until=str(gate)) as stream,
    ):
        stream.next()
        for number in range(20):
            # Of both server processes, which are chosen by the connection.
            response = served.post("/predict", {"jsonData": {"a": number}}, headers={"connection": "close"})
            assert response.json()["jsonData"] == {"a": number}
        gate.touch()
        assert stream.rest() == [*parts(2, 1), ("message", DONE)]
