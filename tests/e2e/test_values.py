from __future__ import annotations

import pytest

from gitops.errors import BadValue
from gitops.manifests.site import read_site
from gitops.seal.command import values_of
from gitops.seal.secrets import secrets
from tests.e2e.errors import E2eError
from tests.e2e.values import values
from tests.project import MANIFESTS

SITE = read_site(MANIFESTS)
PULL = {"REGISTRY_USERNAME": "reader", "REGISTRY_TOKEN": "a token\n"}


def test_values_come_from_the_environment_as_they_are_meant() -> None:
    environ = {
        **PULL,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": "https://s3.example.com",
        "USE_SSL": "true",
    }
    notices: list[str] = []
    found = values(environ, SITE, store_in_pod=False, notice=notices.append)
    assert found == {**environ, "REGISTRY_TOKEN": "a token", "REGISTRY_SERVER": "ghcr.io"}
    assert notices == ["REGISTRY_TOKEN: took white space off its ends (a line break)"]


def test_a_store_of_the_run_has_an_account_of_the_run() -> None:
    environ = {**PULL, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "of the user"}
    found = values(environ, SITE, store_in_pod=True, notice=lambda _: None)
    again = values(environ, SITE, store_in_pod=True, notice=lambda _: None)
    assert found["AWS_ENDPOINT_URL"] == "http://store:7070"
    assert {found["AWS_SECRET_ACCESS_KEY"], again["AWS_SECRET_ACCESS_KEY"]}.isdisjoint({"of the user"})
    assert found["AWS_SECRET_ACCESS_KEY"] != again["AWS_SECRET_ACCESS_KEY"]
    for secret in secrets(SITE):
        assert secret.manifest(values_of(secret, found))["stringData"]


@pytest.mark.parametrize(
    ("store_in_pod", "said"),
    [
        (
            False,
            "REGISTRY_USERNAME, REGISTRY_TOKEN, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, USE_SSL: not "
            "set; they are sealed to the cluster for mrx-ghcr and seldon-init-container-secret, as by `make seal`; "
            "STORE=pod needs no account of a store",
        ),
        (
            True,
            "REGISTRY_USERNAME, REGISTRY_TOKEN: not set; they are sealed to the cluster for mrx-ghcr and "
            "seldon-init-container-secret, as by `make seal`",
        ),
    ],
    ids=["own store", "store in a pod"],
)
def test_missing_values_are_all_named(store_in_pod: bool, said: str) -> None:
    with pytest.raises(E2eError) as refused:
        values({}, SITE, store_in_pod=store_in_pod, notice=lambda _: None)
    assert str(refused.value) == said


def test_what_cannot_be_right_is_refused_before_it_is_sealed() -> None:
    environ = {
        **PULL,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": "https://s3.example.com",
        "USE_SSL": "false",
    }
    with pytest.raises(
        BadValue, match=r"^AWS_ENDPOINT_URL begins with https:// and USE_SSL is false: they must agree"
    ):
        values(environ, SITE, store_in_pod=False, notice=lambda _: None)
