"""Models by their names in MLflow, against a real tracking server."""

from __future__ import annotations

import dataclasses
import os
import subprocess

import pytest

from server.artifact.digest import model_digest
from server.artifact.fetch import fetch
from server.errors import AccessDenied, BadSetting, SourceNotFound, SourceUnreachable
from server.pins.contract import inspect
from server.settings import FetchSettings
from tests.server.artifact.fetching import AUTHORITY, DIGEST, MODEL, answering, content, names

LOG = """
import sys
import mlflow
from mlflow.models import Model

uri, model, bucket = sys.argv[1:]
mlflow.set_tracking_uri(uri)
client = mlflow.MlflowClient()


class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[float]) -> list[float]:
        return [2 * value for value in model_input]


with mlflow.start_run() as run:
    logged = mlflow.pyfunc.log_model(
        name="doubled", python_model=Doubled(), registered_model_name="doubled", pip_requirements=["mlflow"]
    )
    mlflow.log_artifacts(model, "old/iris")
client.set_registered_model_alias("doubled", "champion", "1")
client.create_registered_model("iris")
client.create_model_version("iris", f"s3://{bucket}/m")
client.create_model_version("iris", f"runs:/{run.info.run_id}/old/iris", run.info.run_id)
client.create_model_version("iris", "hdfs://cluster/m")
print("LOGGED", run.info.run_id, logged.model_id)
"""


@pytest.fixture(scope="module")
def logged(mlflow_python, tracking_server, store, tmp_path_factory):
    """What a client has logged there: the run's id, the logged model's id, and the settings to fetch it."""
    store.upload(MODEL, "registry", "m")
    done = subprocess.run(
        [mlflow_python, "-c", LOG, tracking_server, MODEL, "registry"],
        cwd=tmp_path_factory.mktemp("client"),
        env={"PATH": os.environ["PATH"], "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _, run, model = next(line for line in done.stdout.splitlines() if line.startswith("LOGGED")).split()
    settings = FetchSettings(
        tracking_uri=tracking_server,
        endpoint_url=store.endpoint,
        access_key_id=store.access_key,
        secret_access_key=store.secret_key,
    )
    return run, model, settings


@pytest.mark.long
def test_models_that_the_tracking_server_hands_out(logged, tmp_path):
    run, model, settings = logged
    digests = set()
    uris = ["models:/doubled/1", "models:/doubled@champion", f"models:/{model}", f"runs:/{run}/doubled"]
    for number, uri in enumerate(uris):
        fetch(uri, tmp_path / str(number), settings, digest=None)
        digests.add(model_digest(tmp_path / str(number)))
        assert "python_model.pkl" in names(tmp_path / str(number))
    assert len(digests) == 1
    fetch("models:/doubled/1", tmp_path / "0", settings, digest=digests.pop())


@pytest.mark.long
def test_models_that_lie_elsewhere(logged, tmp_path):
    run, _, settings = logged
    for number, uri in enumerate(["models:/iris/1", "models:/iris/2", f"runs:/{run}/old/iris/"]):
        fetch(uri, tmp_path / str(number), settings, digest=DIGEST)
        assert content(tmp_path / str(number)) == content(MODEL)


@pytest.mark.long
def test_what_the_tracking_server_does_not_have(logged, dest):
    run, _, settings = logged
    messages = {
        "models:/doubled/9": "says: RESOURCE_DOES_NOT_EXIST: Model Version (name=doubled, version=9) not found;",
        "models:/none/1": "says: RESOURCE_DOES_NOT_EXIST: Registered Model with name=none not found;",
        "runs:/0123/m": "says: RESOURCE_DOES_NOT_EXIST: Run with id=0123 not found;",
    }
    for uri, message in messages.items():
        with pytest.raises(SourceNotFound) as caught:
            fetch(uri, dest, settings, digest=None)
        assert str(caught.value) == f"{uri}: {settings.tracking_uri} {message} correct the model's URI"
    with pytest.raises(SourceNotFound, match="the tracking server has nothing at mlflow-artifacts:/"):
        fetch(f"runs:/{run}/none", dest, settings, digest=None)
    with pytest.raises(SourceNotFound, match="models:/doubled@none"):
        fetch("models:/doubled@none", dest, settings, digest=None)
    with pytest.raises(SourceNotFound) as refused:
        fetch("models:/iris/3", dest, settings, digest=None)
    assert str(refused.value) == (
        "models:/iris/3: the tracking server says that it is at hdfs://cluster/m, which is out of reach from here; "
        "log it to an object store, or let the tracking server hand out its artifacts (--serve-artifacts)"
    )
    assert names(dest) == []


@pytest.mark.long
def test_a_limit(logged, dest):
    _, _, settings = logged
    with pytest.raises(Exception, match="has more than 10 B; raise FETCH_MAX_BYTES"):
        fetch("models:/doubled/1", dest, dataclasses.replace(settings, max_bytes=10), digest=None)


@pytest.mark.parametrize(
    "uri", ["models:/iris/latest", "models:/iris/Production", "models:/iris", "models:/a/1/b", "runs:/a"]
)
def test_names_of_no_known_form(dest, uri):
    with pytest.raises(BadSetting) as caught:
        fetch(uri, dest, FetchSettings(tracking_uri="http://127.0.0.1:1"), digest=None)
    assert str(caught.value) == (
        f"{uri}: must be models:/name/version, models:/name@alias, models:/m-… or runs:/run/path; "
        "correct the model's URI"
    )


def test_no_tracking_server(dest):
    with pytest.raises(BadSetting) as caught:
        fetch("models:/iris/1", dest, FetchSettings(), digest=None)
    assert str(caught.value) == (
        "models:/iris/1: is resolved by a tracking server, and none is set; set MLFLOW_TRACKING_URI to its address"
    )


def test_nobody_listens(dest, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with pytest.raises(SourceUnreachable) as caught:
        fetch("models:/iris/1", dest, FetchSettings(tracking_uri="http://user:hush@127.0.0.1:1"), digest=None)
    assert str(caught.value).startswith("models:/iris/1: http://127.0.0.1:1 says: API request to ")
    assert str(caught.value).endswith("; correct MLFLOW_TRACKING_URI, or start the server")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind", "fix"),
    [
        (
            401,
            AccessDenied,
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
        ),
        (403, AccessDenied, "allow this user to read the model"),
    ],
)
def test_a_server_that_refuses(dest, status, kind, fix):
    """As the server's own authentication does: in plain text."""

    def refuse(handler):
        handler.send(b"You are not authenticated, or may not do this.", status, Content_Type="text/plain")

    with answering(refuse) as address, pytest.raises(kind) as caught:
        fetch("models:/iris/1", dest, FetchSettings(tracking_uri=f"http://{address}"), digest=None)
    assert str(caught.value).endswith(f"; {fix}")


def test_a_token_that_ends_with_a_newline(dest, monkeypatch, caplog):
    """As a secret made from a file does."""
    asked = []

    def refuse(handler):
        asked.append(handler.headers["Authorization"])
        handler.send(b"no", 403, Content_Type="text/plain")

    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hush\n")
    with answering(refuse) as address:
        settings = FetchSettings(tracking_uri=f"http://{address}")
        with pytest.raises(AccessDenied):
            fetch("models:/iris/1", dest, settings, digest=None)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hush\n")
        with pytest.raises(AccessDenied):
            inspect("models:/iris/1", settings, as_json=True)
    assert asked == ["Bearer hush", "Bearer hush"]
    assert set(caplog.messages) == {
        "MLFLOW_TRACKING_TOKEN: white space around the value is left out; make the value without it"
    }


def test_a_token_is_in_no_message(dest, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hush hush\nhush")
    with pytest.raises(SourceUnreachable) as caught:
        fetch("models:/iris/1", dest, FetchSettings(tracking_uri="http://127.0.0.1:1"), digest=None)
    assert "header value: '(hidden)'" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """The path of the authority that signed the certificate of the server."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.cert_pem.bytes())
    return str(tmp_path / "ca.pem")


def forbid(handler):
    handler.send(b"no", 403, Content_Type="text/plain")


def test_the_tracking_server_is_trusted_as_the_store_is(dest, bundle):
    with answering(forbid, tls=True) as address:
        uri = f"https://{address}"
        with pytest.raises(SourceUnreachable, match="SSLCertVerificationError"):
            fetch("models:/iris/1", dest, FetchSettings(tracking_uri=uri), digest=None)
        with pytest.raises(AccessDenied):
            fetch("models:/iris/1", dest, FetchSettings(tracking_uri=uri, ca_bundle=bundle), digest=None)
    assert "MLFLOW_TRACKING_SERVER_CERT_PATH" not in os.environ


def test_whom_mlflow_is_told_to_trust_counts_before(dest, bundle, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", bundle)
    with answering(forbid, tls=True) as address:
        settings = FetchSettings(tracking_uri=f"https://{address}", ca_bundle=__file__)
        with pytest.raises(AccessDenied):
            fetch("models:/iris/1", dest, settings, digest=None)


def test_no_such_file_of_authorities(dest):
    settings = FetchSettings(tracking_uri="http://127.0.0.1:1", ca_bundle="/nowhere/ca.pem")
    with pytest.raises(BadSetting, match=r"^FETCH_CA_BUNDLE='/nowhere/ca\.pem': cannot be read"):
        fetch("models:/iris/1", dest, settings, digest=None)
