"""The target seldon-core in the place of the image that serves, in a pod whose init containers are the image's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import httpx
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from gitops.local.overlay import read_expected
from gitops.local.store import Store
from server.artifact.digest import model_digest
from server.protocol.proto.messages import SeldonMessage
from tests.image.conftest import MODEL
from tests.image.engine import TMPFS, Container, docker, run, running, succeed
from tests.project import MANIFESTS

pytestmark = pytest.mark.image

EXPECTED = read_expected(MANIFESTS / "overlays" / "model")
STOP_SECONDS = 30


@dataclass(frozen=True)
class Wrapped:
    container: Container
    client: httpx.Client


@pytest.fixture(scope="module")
def pod(image: str, store: Store) -> Iterator[str]:
    """The volume that init containers of the image have put the model and its environment into."""
    store.upload(MODEL, "seldon-core", "models/iris_svm_model")
    environ = {
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_ENDPOINT_URL": store.endpoint,
    }
    volume = succeed("volume", "create")
    source = "s3://seldon-core/models/iris_svm_model"
    mounted = ("--network", "host", *TMPFS, "--volume", f"{volume}:/mnt:nocopy", image)
    try:
        # A volume that is new takes the mode of the folder that it is mounted on: anybody may write to /tmp.
        succeed("run", "--rm", "--volume", f"{volume}:/tmp", "--entrypoint", "python", image, "-c", "")
        for command in (
            ("fetch", source, "/mnt/models", "--digest", model_digest(MODEL)),
            ("environment", "/mnt/models", "/mnt/environment"),
        ):
            done = run(*mounted, *command, environ=environ if command[0] == "fetch" else None)
            assert done.returncode == 0, done.stderr
        yield volume
    finally:
        docker("volume", "rm", "--force", volume)


@pytest.fixture
def wrapped(pod: str, seldon_core_image: str) -> Iterator[Wrapped]:
    parameters = {"xtype": "DataFrame", "predict_method": "decision_function"}
    environ = {
        "PREDICTIVE_UNIT_PARAMETERS": json.dumps(
            [{"name": name, "value": value, "type": "STRING"} for name, value in parameters.items()]
        ),
        "PREDICTIVE_UNIT_ID": "model",
        "PREDICTIVE_UNIT_IMAGE": seldon_core_image,
    }
    published = ("--publish", "127.0.0.1::9000", "--publish", "127.0.0.1::9500")
    mounted = (*TMPFS, "--volume", f"{pod}:/mnt:ro")
    with (
        running(*published, *mounted, seldon_core_image, environ=environ) as container,
        httpx.Client(base_url=f"http://{address(container, 9000)}", timeout=30) as client,
    ):
        container.wait_until_ready(client)
        yield Wrapped(container, client)


def address(container: Container, port: int) -> str:
    return succeed("port", container.name, f"{port}/tcp")


def test_the_tutorials_request_is_answered_over_rest(wrapped: Wrapped) -> None:
    answer = wrapped.client.post("/api/v1.0/predictions", json=EXPECTED.request)
    assert answer.status_code == 200, answer.text
    assert EXPECTED.differences(answer.json()) == []


def test_the_tutorials_request_is_answered_over_grpc(wrapped: Wrapped) -> None:
    request = ParseDict(EXPECTED.request, SeldonMessage())
    with grpc.insecure_channel(address(wrapped.container, 9500)) as channel:
        grpc.channel_ready_future(channel).result(timeout=60)
        body = channel.unary_unary("/seldon.protos.Model/Predict")(request.SerializeToString(), timeout=30)
    assert EXPECTED.differences(MessageToDict(SeldonMessage.FromString(body))) == []


def test_nothing_can_be_written_outside_of_the_volumes(wrapped: Wrapped) -> None:
    code = """
for folder in ("/", "/opt/server", "/opt/python", "/usr/local", "/etc", "/mnt", "/mnt/models", "/var/tmp"):
    try:
        open(folder + "/written", "w")
    except OSError as error:
        print(error.strerror)
"""
    assert set(wrapped.container.python(code).splitlines()) == {"Read-only file system"}


def test_sigterm_ends_it_and_not_the_grace_period(wrapped: Wrapped) -> None:
    succeed("stop", "--time", str(STOP_SECONDS), wrapped.container.name)
    assert wrapped.container.state()["ExitCode"] == 0, wrapped.container.log()
