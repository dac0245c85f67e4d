"""The S3 server of a local run, and the committed secret of its account."""

from __future__ import annotations

import shutil
from pathlib import Path

import obstore
import pytest
import yaml

from gitops.local.store import Store, committed_secret, secret_values
from gitops.manifests import site
from gitops.manifests.site import read_site
from gitops.seal.certificate import DEMO, DEMO_KEY
from gitops.seal.kubeseal import seal
from gitops.seal.secrets import object_store
from tests.gitops.seal.keys import KeyPair
from tests.project import MANIFESTS

VALUES = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
    "AWS_ENDPOINT_URL": "http://s3.example.com",
    "USE_SSL": "false",
}


def repository(folder: Path, certificate: Path) -> Path:
    """Return a repository with the demo key, whose object store's secret is sealed to ``certificate``."""
    shutil.copytree(MANIFESTS / Path(DEMO_KEY).parent, folder / Path(DEMO_KEY).parent)
    shutil.copytree(MANIFESTS / site.FOLDER, folder / site.FOLDER)
    secret = object_store(read_site(folder))
    file = folder / secret.file
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(seal(secret.manifest(VALUES), certificate)))
    return folder


def test_the_committed_secret_is_opened_with_the_demo_key(tmp_path: Path) -> None:
    assert committed_secret(repository(tmp_path, MANIFESTS / DEMO)) == VALUES


def test_a_secret_of_a_cluster_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "certificate.pem").write_bytes(KeyPair(tmp_path).certificate)
    assert committed_secret(repository(tmp_path / "repository", tmp_path / "certificate.pem")) == {}


def test_a_repository_without_secret_has_none(tmp_path: Path) -> None:
    assert committed_secret(tmp_path) == {}


def test_the_secret_opens_the_store_as_the_clusters_would(store: Store) -> None:
    assert secret_values(store, {}) == {
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_ENDPOINT_URL": store.endpoint.removeprefix("http://"),
        "USE_SSL": "false",
    }


def test_only_the_address_of_the_committed_secret_is_replaced(store: Store) -> None:
    assert secret_values(store, VALUES) == {
        **VALUES,
        "AWS_ENDPOINT_URL": store.endpoint.removeprefix("http://"),
    }


def test_an_account_of_the_environment_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "mine",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_SESSION_TOKEN": "mine",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_REGION": "eu-west-1",
        "AWS_PROFILE": "mine",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}")
    with Store(tmp_path / "store") as store:
        store.upload(tmp_path / "model", "team", "churn")
        assert bytes(obstore.get(store.client("team"), "churn/MLmodel").bytes()) == b"flavors: {}"
