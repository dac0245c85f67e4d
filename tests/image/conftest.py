"""The images of IMAGE and SELDON_CORE_IMAGE, and containers that serve the tutorial's model from a store on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from gitops.local.store import Store
from server.artifact.digest import model_digest
from tests.image.engine import TMPFS, Container, docker, running
from tests.project import MODELS
from tests.server.running_server import free_port

MODEL = MODELS / "iris_svm_model"


@dataclass(frozen=True)
class Serving:
    container: Container
    client: httpx.Client
    port: int
    secret: str


@pytest.fixture(scope="session")
def image() -> str:
    return built("IMAGE", "seldon-mlflow-server:dev", "make image")


@pytest.fixture(scope="session")
def seldon_core_image() -> str:
    return built("SELDON_CORE_IMAGE", "seldon-mlflow-server-seldon-core:dev", "make image-seldon-core")


@pytest.fixture(params=["image", "seldon_core_image"])
def either_image(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def built(variable: str, default: str, command: str) -> str:
    name = os.environ.get(variable, default)
    done = docker("image", "inspect", name)
    assert done.returncode == 0, f"there is no image {name}: run `{command}` first\n{done.stderr}"
    return name


@pytest.fixture
def serving(image: str, store: Store) -> Iterator[Serving]:
    """`docker run IMAGE all s3://…`, on loopback only."""
    store.upload(MODEL, "image", "models/iris_svm_model")
    port = free_port()
    environ = {
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_ENDPOINT_URL": store.endpoint,
        "SERVER_HOST": "127.0.0.1",
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
        "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(free_port()),
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(free_port()),
        "PREDICTIVE_UNIT_ID": "model",
        "PREDICTIVE_UNIT_IMAGE": image,
    }
    command = (
        *("all", "s3://image/models/iris_svm_model", "--digest", model_digest(MODEL)),
        *("--parameter", "predict_method=decision_function"),
    )
    with (
        running("--network", "host", *TMPFS, image, *command, environ=environ) as container,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        container.wait_until_ready(client)
        yield Serving(container, client, port, store.secret_key)
