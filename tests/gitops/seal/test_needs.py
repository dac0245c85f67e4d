"""What `make seal` asks for: what the overlays need, and nothing that comes from elsewhere."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.errors import BadArgument, BadValue, BuildFailed
from gitops.seal import secrets
from gitops.seal.command import seal
from gitops.seal.secrets import Secret
from gitops.seal.secrets import secrets as secrets_of
from gitops.seal.stores import Value
from gitops.seal.unseal import unseal
from tests.gitops.seal.keys import KeyPair
from tests.gitops.seal.overlays import PULL, SITE, STORE, folder, overlay

ANNOTATION = "gitops.local/provided-by-cluster"
NAMESPACE: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "seldon"}}


def prompted(root: Path, *names: str) -> tuple[list[str], str]:
    """Return the names of the values that are asked for, and what is said before them."""
    found: list[str] = []
    out = io.StringIO()

    def ask(value: Value) -> str:
        found.append(value.name)
        return ANSWERS[value.name]

    assert seal(names, root=root, environ={}, lines=None, ask=ask, out=out) == 0
    return found, out.getvalue()


KEY_FILE = json.dumps(
    {"client_email": "models@project.iam.gserviceaccount.com", "private_key": "PEM"}, indent=2
)
ANSWERS = {
    "REGISTRY_SERVER": "ghcr.io",
    "REGISTRY_USERNAME": "me",
    "REGISTRY_TOKEN": "hunter2",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
    "AWS_ENDPOINT_URL": "https://s3.example.com",
    "USE_SSL": "true",
    "GOOGLE_SERVICE_ACCOUNT_KEY": KEY_FILE,
    "AZURE_STORAGE_ACCOUNT_NAME": "models",
    "AZURE_STORAGE_ACCOUNT_KEY": "aHVudGVyMg==",
    "MLFLOW_TRACKING_URI": "https://mlflow.example.com",
}
REGISTRY = ["REGISTRY_SERVER", "REGISTRY_USERNAME", "REGISTRY_TOKEN"]
S3 = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "USE_SSL"]
AZURE = ["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY"]


@pytest.mark.parametrize(
    ("uri", "values", "store"),
    [
        ("s3://mlflow/iris", S3, "S3"),
        ("gs://mlflow/iris", ["GOOGLE_SERVICE_ACCOUNT_KEY"], "Google Cloud Storage"),
        ("az://mlflow/iris", AZURE, "Azure Blob Storage"),
        ("abfss://mlflow@account.dfs.core.windows.net/iris", AZURE, "Azure Blob Storage"),
        ("models:/iris/3", ["MLFLOW_TRACKING_URI"], "MLflow"),
        ("runs:/0123/model", ["MLFLOW_TRACKING_URI"], "MLflow"),
    ],
)
def test_the_values_are_those_of_the_models_store(
    root: Path, cluster: KeyPair, uri: str, values: list[str], store: str
) -> None:
    overlay(root, "model", uri)
    found, output = prompted(root)
    assert found == [*REGISTRY, *values]
    assert f"{STORE.name}: fetches from {store} for overlays/model\n" in output
    sealed = unseal(yaml.safe_load((root / STORE.file).read_text()), cluster.private_key)
    assert sorted(sealed) == sorted(values)


def test_overlays_of_two_stores_need_both(root: Path) -> None:
    overlay(root, "other", "az://mlflow/iris")
    overlay(root, "third", "az://mlflow/iris")
    found, output = prompted(root, STORE.name)
    assert found == [*S3, *AZURE]
    assert output.startswith(
        f"{STORE.name}: fetches from S3 for overlays/model, from Azure Blob Storage for overlays/other and 1 more\n"
    )


def test_keys_of_the_store_behind_mlflow_are_taken_where_they_are_given(root: Path, cluster: KeyPair) -> None:
    overlay(root, "model", "models:/iris/3")
    given = "MLFLOW_TRACKING_URI=https://mlflow.example.com\nAWS_REGION=eu-west-1\n"
    seal([STORE.name], root=root, environ={}, lines=io.StringIO(given), ask=None, out=io.StringIO())
    sealed = unseal(yaml.safe_load((root / STORE.file).read_text()), cluster.private_key)
    assert sealed == {"MLFLOW_TRACKING_URI": "https://mlflow.example.com", "AWS_REGION": "eu-west-1"}


def test_a_key_file_of_several_lines_becomes_one(root: Path, cluster: KeyPair) -> None:
    overlay(root, "model", "gs://mlflow/iris")
    environ = {"GOOGLE_SERVICE_ACCOUNT_KEY": f"{KEY_FILE}\n"}
    seal([STORE.name], root=root, environ=environ, lines=None, ask=None, out=io.StringIO())
    sealed = unseal(yaml.safe_load((root / STORE.file).read_text()), cluster.private_key)
    assert sealed["GOOGLE_SERVICE_ACCOUNT_KEY"].count("\n") == 0
    assert json.loads(sealed["GOOGLE_SERVICE_ACCOUNT_KEY"]) == json.loads(KEY_FILE)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            "/hunter2.json",
            "GOOGLE_SERVICE_ACCOUNT_KEY is no key file of a service",
        ),
        (
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            '{"a": "hunter2"}',
            "GOOGLE_SERVICE_ACCOUNT_KEY is no key file of a service",
        ),
        (
            "AZURE_STORAGE_ACCOUNT_NAME",
            "Hunter2",
            "AZURE_STORAGE_ACCOUNT_NAME is no name of a storage account",
        ),
        ("AZURE_STORAGE_ACCOUNT_KEY", "hunter2!", "AZURE_STORAGE_ACCOUNT_KEY is no base64"),
    ],
    ids=["path", "other JSON", "name", "key"],
)
def test_what_cannot_be_right_is_refused_and_not_shown(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    overlay(root, "model", "gs://mlflow/iris" if name.startswith("GOOGLE") else "az://mlflow/iris")
    monkeypatch.setitem(ANSWERS, name, value)
    with pytest.raises(BadValue, match=f"^{message}") as caught:
        prompted(root)
    assert "unter2" not in str(caught.value)


def test_a_public_image_and_a_store_without_keys_need_nothing(root: Path) -> None:
    overlay(root, "model", "s3://mlflow/iris", pull=False, store={"optional": True})
    assert prompted(root) == (
        [],
        "mrx-ghcr: not sealed: no overlay pulls with it\n"
        "seldon-init-container-secret: not sealed: no overlay fetches with keys of a store\n",
    )


def test_mlflow_wants_its_login_where_an_identity_reads_the_store(root: Path) -> None:
    overlay(root, "model", "models:/iris/3", store={"optional": True})
    assert prompted(root, STORE.name)[0] == ["MLFLOW_TRACKING_URI"]


def test_what_an_external_secret_makes_is_not_sealed(root: Path) -> None:
    external = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": STORE.name, "namespace": "seldon"},
        "spec": {"data": [{"secretKey": "AWS_ACCESS_KEY_ID", "remoteRef": {"key": "store"}}]},
    }
    folder(root, "base/secrets", NAMESPACE, external)
    found, output = prompted(root)
    assert found == REGISTRY
    assert f"{STORE.name}: not sealed: comes from ExternalSecret {STORE.name} in base/secrets\n" in output
    assert not (root / STORE.file).exists()


def test_what_the_cluster_has_is_not_sealed(root: Path) -> None:
    annotations = {ANNOTATION: f"Secret/{PULL.name}, Secret/{STORE.name}"}
    folder(root, "base/secrets", {**NAMESPACE, "metadata": {"name": "seldon", "annotations": annotations}})
    assert prompted(root) == (
        [],
        "mrx-ghcr: not sealed: comes from the cluster, as Namespace seldon says\n"
        "seldon-init-container-secret: not sealed: comes from the cluster, as Namespace seldon says\n",
    )


def test_what_the_cluster_has_is_said_in_site_where_the_namespace_is_someone_else_s(root: Path) -> None:
    file = root / "site/site.yaml"
    noted = f"  annotations:\n    {ANNOTATION}: Secret/{PULL.name} Secret/{STORE.name}\n"
    file.write_text(file.read_text().replace("  annotations:\n", noted))
    assert prompted(root) == (
        [],
        "mrx-ghcr: not sealed: comes from the cluster, as site/site.yaml says\n"
        "seldon-init-container-secret: not sealed: comes from the cluster, as site/site.yaml says\n",
    )


def test_before_the_first_overlay_what_is_listed_is_sealed(root: Path, cluster: KeyPair) -> None:
    shutil.rmtree(root / "overlays")
    listed = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": STORE.name, "namespace": "seldon"},
        "spec": {"encryptedData": {}},
    }
    folder(root, "base/secrets", NAMESPACE, listed)
    found, output = prompted(root)
    assert found == S3
    assert f"{STORE.name}: is listed in base/secrets, for the first overlay\n" in output
    assert "mrx-ghcr: not sealed: no overlay pulls with it\n" in output


def test_a_secret_of_a_fork_s_own_is_sealed_too(
    root: Path, cluster: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Secret(
        "hub",
        "hub",
        SITE.namespace,
        "Opaque",
        (Value("HUB_TOKEN", "token of the hub", hidden=True),),
        ("HUB_TOKEN",),
        dict,
    )
    monkeypatch.setattr(secrets, "secrets", lambda site: (*secrets_of(site), own))
    monkeypatch.setitem(ANSWERS, "HUB_TOKEN", "hunter2")
    overlay(root, "model", "s3://mlflow/iris", pull=False, store={"optional": True})
    found, output = prompted(root)
    assert found == ["HUB_TOKEN"]
    assert "hub: is one of a fork's own, in gitops/seal/secrets.py\n" in output
    sealed = unseal(yaml.safe_load((root / own.file).read_text()), cluster.private_key)
    assert sealed == {"HUB_TOKEN": "hunter2"}


def test_one_that_is_not_to_be_sealed_is_refused_by_name(root: Path) -> None:
    overlay(root, "model", "s3://mlflow/iris", pull=False)
    with pytest.raises(BadArgument) as caught:
        prompted(root, PULL.name)
    assert str(caught.value) == "mrx-ghcr is not to be sealed: no overlay pulls with it (docs/secrets.md)"


def test_an_overlay_that_does_not_build_could_need_anything(root: Path) -> None:
    (root / "overlays/model/kustomization.yaml").write_text("resources: [nothing.yaml]\n")
    with pytest.raises(BuildFailed, match=r"overlays/model.*nothing\.yaml"):
        prompted(root)
