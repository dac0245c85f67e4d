"""Fixtures of the tests of fetch: models in a real S3 server, and where they are fetched to."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

import pytest

from server.settings import FetchSettings
from tests.server.artifact.fetching import MODEL


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """Take away what the machine's environment says about stores and proxies."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "MLFLOW_", "FETCH_")) or name.lower().endswith(
            "_proxy"
        ):
            monkeypatch.delenv(name)


@pytest.fixture
def model(tmp_path):
    """A folder with the iris model, to be changed at will."""
    return Path(shutil.copytree(MODEL, tmp_path / "source" / "iris", copy_function=shutil.copyfile))


@pytest.fixture
def bucket():
    """A name that no other test has."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def settings(store):
    """Settings for the running S3 server."""
    return FetchSettings(
        endpoint_url=store.endpoint, access_key_id=store.access_key, secret_access_key=store.secret_key
    )


@pytest.fixture
def uri(store, bucket, model):
    """The URI of the iris model in the running S3 server."""
    store.upload(model, bucket, "models/iris")
    return f"s3://{bucket}/models/iris"


@pytest.fixture
def dest(tmp_path):
    """A destination as a pod has it: an empty folder that is a mount point and cannot be renamed."""
    folder = tmp_path / "mnt" / "models"
    folder.mkdir(parents=True)
    return folder
