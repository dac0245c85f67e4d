"""The verb smoke, against a real server, and against Services that lead to old and new pods in turn."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from server.artifact.digest import model_digest
from server.errors import BadSetting
from server.pins.expectation import Expectation
from server.pins.smoke import smoke
from tests.project import MANIFESTS, MODELS, ROOT
from tests.server.running_server import IMAGE, REST, Served, free_port, serving

MODEL = MODELS / "iris_svm_model"
EXPECTED = MANIFESTS / "overlays/model/expected.json"
DIGEST, OTHER = model_digest(MODEL), "sha256:" + "0" * 64
OLD, NEW = "ghcr.io/owner/image@sha256:01d", "ghcr.io/owner/image@sha256:2e3"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    parameters = {"xtype": "DataFrame", "predict_method": "decision_function"}
    with serving(tmp_path_factory.mktemp("served"), MODEL, environ=REST, **parameters) as server:
        yield server


def url(served: Served) -> str:
    return str(served.client.base_url).rstrip("/")


def run(*arguments: object, before: Sequence[str] = ()) -> tuple[int, str]:
    """Return the exit code of the verb, and the one line that it logs, without the time."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "server", "smoke", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stderr.splitlines()
    return done.returncode, line.split(" ", 2)[2]


def test_a_service_that_serves_the_model_and_answers_as_expected(served: Served) -> None:
    options = ("--model-digest", DIGEST, "--image", IMAGE, "--expected", EXPECTED)
    assert run(url(served), *options) == (
        0,
        f"INFO smoke: {url(served)} serves {DIGEST} and answers as expected",
    )


def test_it_needs_no_place_to_write(served: Served) -> None:
    # As in its pod: a read-only root, and no volume.
    nowhere = ("sh", "-c", 'ulimit -f 0 && exec "$@"', "sh")
    options = ("--model-digest", DIGEST, "--image", IMAGE, "--expected", EXPECTED)
    assert run(url(served), *options, before=nowhere)[0] == 0


def test_a_service_of_a_model_that_nobody_knows_a_request_of(served: Served, tmp_path: Path) -> None:
    (tmp_path / "expected.json").write_text('{"request": null, "response": null}')
    options = ("--model-digest", DIGEST, "--expected", tmp_path / "expected.json")
    assert run(url(served), *options, "--image", IMAGE) == (
        0,
        f"WARNING smoke: {url(served)} serves {DIGEST} and is healthy; its expected.json names no request, so no answer "
        "is compared",
    )
    assert run(url(served), *options, "--image", NEW, "--timeout", 0) == (
        40,
        f"ERROR smoke: {url(served)} runs {IMAGE} in node model instead of {NEW} after 0 s; "
        "look at the pods' events and logs",
    )


@pytest.mark.long
def test_a_service_of_another_model(served: Served) -> None:
    options = ("--model-digest", OTHER, "--expected", EXPECTED, "--timeout", 0)
    assert run(url(served), *options) == (
        40,
        f"ERROR smoke: {url(served)} serves {DIGEST} instead of {OTHER} after 0 s; look at the pods' events and logs",
    )


@pytest.mark.long
def test_a_service_of_another_image(served: Served) -> None:
    options = ("--model-digest", DIGEST, "--image", NEW, "--expected", EXPECTED, "--timeout", 0)
    assert run(url(served), *options) == (
        40,
        f"ERROR smoke: {url(served)} runs {IMAGE} in node model instead of {NEW} after 0 s; "
        "look at the pods' events and logs",
    )


def test_a_service_that_answers_otherwise(served: Served, tmp_path: Path) -> None:
    content = json.loads(EXPECTED.read_text())
    content["response"]["data"]["ndarray"][1][2] += 1e-6
    (tmp_path / "expected.json").write_text(json.dumps(content))
    options = ("--model-digest", DIGEST, "--expected", tmp_path / "expected.json")
    code, line = run(url(served), *options)
    assert code == 41
    assert line.startswith(
        f"ERROR smoke: {url(served)} answers otherwise than when the model was promoted: data.ndarray[1][2] is 1.0222"
    )
    assert line.endswith(" to 1e-09")


def test_a_request_that_the_model_refuses(served: Served, tmp_path: Path) -> None:
    (tmp_path / "expected.json").write_text(
        '{"request": {"data": {"names": ["a"], "ndarray": [[1]]}}, "response": {}}'
    )
    code, line = run(url(served), "--model-digest", DIGEST, "--expected", tmp_path / "expected.json")
    assert code == 41
    assert "answers otherwise than when the model was promoted: status 400, {" in line


def test_nobody_listens() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    options = ("--model-digest", DIGEST, "--expected", EXPECTED, "--timeout", 0)
    assert run(address, *options) == (
        40,
        f"ERROR smoke: {address} does not answer (ConnectionRefusedError: [Errno 111] Connection refused) after 0 s; "
        "look at the pods' events and logs",
    )


@pytest.mark.parametrize(
    "address",
    [
        "model:9000",
        "https://model:9000",
        "http://model:9000/api",
        "http://",
        "http://a@b",
    ],
)
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(BadSetting) as refused:
        smoke(address, [DIGEST], NEW, HELLO, seconds=0)
    assert str(refused.value) == f"{address!r}: must be http://HOST:PORT of a Service, without a path"


def test_a_port_that_is_none() -> None:
    assert run("http://model:port", "--model-digest", DIGEST, "--expected", EXPECTED) == (
        2,
        "ERROR smoke: 'http://model:port': Port could not be cast to integer value as 'port'; "
        "it must be http://HOST:PORT of a Service",
    )


def test_an_expectation_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    assert run("http://127.0.0.1:1", "--model-digest", DIGEST, "--expected", file) == (
        42,
        f"ERROR smoke: {file}: there is no such file; add one with a request and the model's response",
    )


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once."""
    monkeypatch.setattr("server.pins.smoke.INTERVAL_SECONDS", 0.01)


@contextmanager
def service(pods: Sequence[tuple[Any, int, Any]]) -> Iterator[str]:
    """Serve metadata, status and answer of the first pod on the first connection, of the second on the second, …"""
    left = list(pods)

    class Pod(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            self.pod = left.pop(0) if len(left) > 1 else left[0]
            super().setup()

        def do_GET(self) -> None:
            # As the orchestrator, which has no health/status.
            known = {"/api/v1.0/metadata": (200, self.pod[0]), "/ready": (self.pod[1], b"ready")}
            self.reply(*known.get(self.path, (404, {})))

        def do_POST(self) -> None:
            assert self.path == "/api/v1.0/predictions"
            self.rfile.read(int(self.headers["Content-Length"]))
            self.reply(self.pod[1], self.pod[2])

        def reply(self, status: int, content: Any) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pod) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def pod(digest: str, text: str, image: str = NEW) -> tuple[Any, int, Any]:
    return {"versions": [digest]}, 200, {"strData": text, "meta": {"requestPath": {"model": image}}}


HELLO = Expectation({"strData": "hello"}, {"strData": "new"})


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(pod(OTHER, "old"), id="another-model"),
        pytest.param(pod(DIGEST, "old", OLD), id="another-image"),
        pytest.param(({"versions": [DIGEST]}, 503, {}), id="not-ready"),
        pytest.param((b"<html>", 200, {}), id="no-json"),
        pytest.param(({"models": []}, 200, {}), id="no-models"),
    ],
)
@pytest.mark.usefixtures("often")
def test_a_pod_of_the_last_manifest_is_waited_out(before: tuple[Any, int, Any]) -> None:
    with service([before, pod(DIGEST, "new"), pod(OTHER, "old")]) as address:
        smoke(address, [DIGEST], NEW, HELLO, seconds=30)


def test_a_graph_that_serves_all_its_models() -> None:
    models = {"a": {"versions": ["v1", DIGEST]}, "b": {"versions": [OTHER]}}
    path = {"a": NEW, "b": NEW}
    answer = {"strData": "new", "meta": {"requestPath": path}}
    with service([({"name": "p", "models": models}, 200, answer)]) as address:
        smoke(address, [DIGEST, OTHER], NEW, HELLO, seconds=0)


@pytest.mark.usefixtures("often")
def test_a_graph_of_models_that_nobody_knows_a_request_of() -> None:
    with service([({"versions": [DIGEST]}, 503, {}), ({"versions": [DIGEST]}, 200, {})]) as address:
        smoke(address, [DIGEST], NEW, None, seconds=30)


V2 = ("--protocol", "v2", "--node", "model")


def test_a_service_is_asked_by_the_open_inference_protocol(served: Served) -> None:
    options = ("--model-digest", DIGEST, "--image", IMAGE, "--expected", EXPECTED, *V2)
    assert run(url(served), *options) == (
        0,
        f"INFO smoke: {url(served)} serves {DIGEST} and answers as expected",
    )


def test_another_image_is_waited_for_by_it(served: Served) -> None:
    options = ("--model-digest", DIGEST, "--image", OLD, "--expected", EXPECTED, "--timeout", 1, *V2)
    code, said = run(url(served), *options)
    assert code != 0
    assert f"runs {IMAGE} instead of {OLD} after 1 s" in said


def test_another_answer_is_told_by_it(served: Served, tmp_path: Path) -> None:
    content = json.loads(EXPECTED.read_text())
    content["response"]["data"]["ndarray"][1][2] += 1
    (tmp_path / "expected.json").write_text(json.dumps(content))
    options = ("--model-digest", DIGEST, "--expected", tmp_path / "expected.json", *V2)
    code, said = run(url(served), *options)
    assert code != 0
    assert "answers otherwise than when the model was promoted: data.ndarray[1][2] is 1.02226" in said


def test_a_model_without_a_known_request_is_healthy_by_it(served: Served, tmp_path: Path) -> None:
    (tmp_path / "expected.json").write_text('{"request": null, "response": null}')
    options = ("--model-digest", DIGEST, "--expected", tmp_path / "expected.json", *V2)
    assert "is healthy" in run(url(served), *options)[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--protocol", "v3"), "protocol 'v3': must be one of seldon, v2"),
        (("--protocol", "v2"), "protocol 'v2' asks for a model by its name: say the graph node by --node"),
    ],
    ids=["unknown", "without-node"],
)
def test_a_protocol_that_there_is_not(options: Sequence[str], message: str) -> None:
    common = ("http://127.0.0.1:9", "--model-digest", DIGEST, "--expected", EXPECTED)
    code, said = run(*common, *options)
    assert code != 0
    assert said.endswith(message)


def test_a_request_that_the_protocol_cannot_carry(served: Served, tmp_path: Path) -> None:
    (tmp_path / "expected.json").write_text('{"request": {"strData": "x"}, "response": {"strData": "y"}}')
    options = ("--model-digest", DIGEST, "--expected", tmp_path / "expected.json", *V2)
    code, said = run(url(served), *options)
    assert code != 0
    assert "request cannot be sent by the protocol v2: strData is no table or array" in said
