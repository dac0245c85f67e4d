from __future__ import annotations

import base64
import json

import pytest

from gitops.errors import BadValue
from gitops.manifests.site import read_site
from gitops.seal.secrets import registry_data, secrets, store_data
from tests.project import MANIFESTS

SECRETS = secrets(read_site(MANIFESTS))
STORE = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
    "AWS_ENDPOINT_URL": "https://s3.example.com",
    "USE_SSL": "true",
}


def test_the_secrets_are_those_that_the_deployments_refer_to() -> None:
    assert [(secret.name, secret.type) for secret in SECRETS] == [
        ("mrx-ghcr", "kubernetes.io/dockerconfigjson"),
        ("seldon-init-container-secret", "Opaque"),
    ]
    manifest = SECRETS[1].manifest(STORE)
    assert manifest["metadata"] == {"name": "seldon-init-container-secret", "namespace": "seldon"}
    assert manifest["stringData"] == STORE
    values = {"REGISTRY_SERVER": "ghcr.io", "REGISTRY_USERNAME": "me", "REGISTRY_TOKEN": "hunter2", **STORE}
    for secret in SECRETS:
        asked = {value.name: values[value.name] for value in secret.values if not value.optional}
        assert set(secret.keys) == secret.data(asked).keys()


def test_a_tracking_server_is_there_where_it_is_given() -> None:
    given = {"MLFLOW_TRACKING_URI": "https://mlflow.example.com", "MLFLOW_TRACKING_TOKEN": "hunter2"}
    assert store_data({**STORE, **given}) == {**STORE, **given}
    assert set(given) <= set(SECRETS[1].optional_keys)


@pytest.mark.parametrize(
    "address", ["mlflow.example.com", "https://me:hunter2@mlflow.example.com", "file:///mlruns"]
)
def test_an_address_of_a_tracking_server_that_is_none(address: str) -> None:
    with pytest.raises(
        BadValue, match=r"^MLFLOW_TRACKING_URI is no address such as https://mlflow\.example\.com: "
    ):
        store_data({**STORE, "MLFLOW_TRACKING_URI": address})


def test_a_pull_secret_is_the_configuration_of_a_docker_client() -> None:
    data = registry_data(
        {"REGISTRY_SERVER": "ghcr.io", "REGISTRY_USERNAME": "me", "REGISTRY_TOKEN": "hunter2"}
    )
    (entry,) = json.loads(data[".dockerconfigjson"])["auths"].items()
    assert entry == (
        "ghcr.io",
        {"username": "me", "password": "hunter2", "auth": base64.b64encode(b"me:hunter2").decode()},
    )


@pytest.mark.parametrize(
    ("endpoint", "ssl"),
    [
        ("https://s3.example.com", "true"),
        ("https://s3.example.com/", "True"),
        ("http://s3.example.com:9000", "false"),
        ("s3.example.com:9000", "false"),
        ("s3.example.com", "true"),
        ("[::1]:9000", "false"),
    ],
)
def test_an_address_and_use_ssl_that_agree(endpoint: str, ssl: str) -> None:
    data = store_data({**STORE, "AWS_ENDPOINT_URL": endpoint, "USE_SSL": ssl})
    assert (data["AWS_ENDPOINT_URL"], data["USE_SSL"]) == (endpoint, ssl.lower())


@pytest.mark.parametrize(("scheme", "ssl"), [("http", "true"), ("https", "false")])
def test_an_address_and_use_ssl_that_do_not_agree(scheme: str, ssl: str) -> None:
    with pytest.raises(BadValue) as caught:
        store_data({**STORE, "AWS_ENDPOINT_URL": f"{scheme}://s3.example.com", "USE_SSL": ssl})
    assert str(caught.value) == (
        f"AWS_ENDPOINT_URL begins with {scheme}:// and USE_SSL is {ssl}: they must agree, "
        "since either is read where the other is not"
    )


@pytest.mark.parametrize(
    "endpoint",
    ["https://", "https://me:hunter2@s3.example.com", "https://s3.example.com/bucket", "s3.example.com?a=b"],
)
def test_an_address_that_is_more_or_less_than_one(endpoint: str) -> None:
    with pytest.raises(BadValue) as caught:
        store_data({**STORE, "AWS_ENDPOINT_URL": endpoint})
    assert str(caught.value) == (
        "AWS_ENDPOINT_URL is no address such as https://s3.example.com or s3.example.com:9000: "
        "give scheme, host and port and nothing else"
    )


def test_an_address_of_another_protocol() -> None:
    with pytest.raises(BadValue, match="begins with ftp://: an object store speaks http or https"):
        store_data({**STORE, "AWS_ENDPOINT_URL": "ftp://s3.example.com"})


def test_use_ssl_that_is_neither_true_nor_false() -> None:
    with pytest.raises(BadValue) as caught:
        store_data({**STORE, "USE_SSL": "hunter2"})
    assert str(caught.value) == (
        "USE_SSL is neither true nor false: say whether the object store speaks https"
    )
