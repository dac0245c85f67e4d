"""`python -m server all`: a model from a store to its answer, by one command without Kubernetes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from gitops.local.store import Store
from server.all import narrowed, parameters
from server.artifact.digest import model_digest
from server.errors import BadSetting
from tests.processes import descendants
from tests.project import MANIFESTS, MODELS, ROOT
from tests.server.environment import making
from tests.server.running_server import Served, free_port
from tests.server.scraping import P, scrape, value

MODEL = MODELS / "iris_preprocessor_model"
OVERLAY = MANIFESTS / "overlays" / "preprocessor"


def environ_of(process: int) -> str | None:
    """Return the environment of a process, or None where only root may read it, as the server's."""
    try:
        return Path(f"/proc/{process}/environ").read_bytes().decode()
    except PermissionError:
        return None


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")
def test_the_model_answers_and_no_process_holds_the_stores_secret(tmp_path: Path, store: Store) -> None:
    store.upload(MODEL, "all", "models/preprocessor")
    port, health_port, log = free_port(), free_port(), tmp_path / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "server", "all", "s3://all/models/preprocessor"),
                *("--digest", model_digest(MODEL), "--folder", tmp_path / "folder"),
                *("--parameter", "xtype=DataFrame", "--pass", "GREETING"),
            ],
            cwd=ROOT,
            stdout=sink,
            stderr=sink,
            env={
                **os.environ,
                "SERVER_HOST": "127.0.0.1",
                "SERVICE_TYPE": "TRANSFORMER",
                "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
                "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(free_port()),
                "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(health_port),
                "AWS_ACCESS_KEY_ID": store.access_key,
                "AWS_SECRET_ACCESS_KEY": store.secret_key,
                "AWS_ENDPOINT_URL": store.endpoint,
                "UV_INDEX_PRIVATE_PASSWORD": "password-of-an-index",
                "DATABASE_URL": "secret-of-somebody-else",
                "GREETING": "hello",
            },
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            served = Served(process, client, log, 0, health_port)
            served.wait_until_ready()
            expected = json.loads((OVERLAY / "expected.json").read_text())
            answer = served.post("/api/v1.0/predictions", expected["request"]).json()
            assert answer["data"]["names"] == expected["response"]["data"]["names"]
            rows = zip(answer["data"]["ndarray"], expected["response"]["data"]["ndarray"], strict=True)
            for got, wanted in rows:
                assert got == pytest.approx(wanted, rel=0, abs=1e-9)
            found = scrape(served)
            assert value(found, f"{P}_fetch_bytes") == sum(
                path.stat().st_size for path in MODEL.rglob("*") if path.is_file()
            )
            for step in ("fetch", "environment", "model_load"):
                assert value(found, f"{P}_{step}_duration_seconds") > 0
            (labels,) = [dict(labels) for name, labels in found if name == "model_info"]
            assert labels["digest"] == model_digest(MODEL) == model_digest(tmp_path / "folder" / "model")
        started = descendants(process.pid)
        assert started
        environs = [environ_of(each) for each in (process.pid, *started)]
        readable = [held for held in environs if held is not None]
        assert readable
        for held in readable:
            for secret in (store.secret_key, "password-of-an-index", "secret-of-somebody-else"):
                assert secret not in held
            assert "GREETING=hello" in held
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0
    said = log.read_text()
    assert store.secret_key not in said
    assert re.search(
        r"INFO all: out of the reach of environment: .*\bAWS_SECRET_ACCESS_KEY\b.*; --pass NAME lets", said
    )


def test_a_failure_ends_with_the_code_of_its_verb(tmp_path: Path) -> None:
    process = making.verb("all", (tmp_path / "none").as_uri(), "--folder", tmp_path / "folder")
    _, said = process.communicate()
    assert process.returncode == 10
    assert f" ERROR all: file://{tmp_path}/none: " in said


def test_environment_sees_no_secret_of_the_store_and_serve_none_of_the_index() -> None:
    environ = {
        "PATH": "/bin",
        "AWS_SECRET_ACCESS_KEY": "of the store",
        "FETCH_AUTHORIZATION": "of the store",
        "MLFLOW_TRACKING_TOKEN": "of the store",
        "UV_DEFAULT_INDEX": "https://user:password@index",
        "https_proxy": "http://user:password@proxy",
        "ENVIRONMENT_LOCK": "/lock",
        "SERVER_DRAIN_SECONDS": "3",
        "OMP_NUM_THREADS": "2",
        "HF_HOME": "/cache",
        "HF_TOKEN": "of the hub",
        "THRESHOLD": "0.5",
    }
    serve = {"PATH": "/bin", "SERVER_DRAIN_SECONDS": "3", "OMP_NUM_THREADS": "2", "HF_HOME": "/cache"}
    assert narrowed(environ, "serve", ()) == serve
    assert narrowed(environ, "serve", ("THRESHOLD",)) == serve | {"THRESHOLD": "0.5"}
    named = {"SERVER_MODEL_ENVIRONMENT": "THRESHOLD, OTHER"}
    assert narrowed(environ | named, "serve", ()) == serve | named | {"THRESHOLD": "0.5"}
    assert narrowed(environ, "environment", ()) == serve | {
        "UV_DEFAULT_INDEX": "https://user:password@index",
        "https_proxy": "http://user:password@proxy",
        "ENVIRONMENT_LOCK": "/lock",
    }


def test_parameters_of_the_command_line_count_before_those_of_the_environment() -> None:
    given = [
        {"name": "xtype", "value": "ndarray", "type": "STRING"},
        {"name": "model_uri", "value": "/elsewhere", "type": "STRING"},
        {"name": "predict_method", "value": "predict_proba", "type": "STRING"},
    ]
    environ = {"PREDICTIVE_UNIT_PARAMETERS": json.dumps(given)}
    assert json.loads(parameters(["xtype=DataFrame"], Path("/models"), environ)) == [
        {"name": "predict_method", "value": "predict_proba", "type": "STRING"},
        {"name": "xtype", "value": "DataFrame", "type": "STRING"},
        {"name": "model_uri", "value": "/models", "type": "STRING"},
    ]


@pytest.mark.parametrize("text", ["xtype", "=DataFrame", ""])
def test_a_parameter_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(BadSetting) as caught:
        parameters([text], Path("/models"), {})
    assert str(caught.value) == f"--parameter {text!r}: must have the form NAME=VALUE, as in xtype=DataFrame"


def test_parameters_of_the_environment_that_are_no_list_are_refused() -> None:
    with pytest.raises(BadSetting) as caught:
        parameters([], Path("/models"), {"PREDICTIVE_UNIT_PARAMETERS": "xtype=DataFrame"})
    assert (
        str(caught.value)
        == "PREDICTIVE_UNIT_PARAMETERS='xtype=DataFrame': must be a JSON list of objects with "
        "name, value and type"
    )
