"""A container's command and variables, as they are run here instead of in its image."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from gitops.errors import NotRunnable
from gitops.local import environment
from tests.gitops.local.manifests import container

SECRET = {"AWS_ACCESS_KEY_ID": "id", "USE_SSL": "false"}
MOUNTS = {"/mnt/models": Path("/state/models"), "/tmp": Path("/state/tmp")}
WHERE = "spec.predictors[0].componentSpecs[0].spec.containers[0]"


def test_the_command_is_this_checkouts_server_with_the_manifests_arguments() -> None:
    made = container(
        args=["fetch", "s3://bucket/model", "/mnt/models", "$(WHICH)", "$$(WHICH)", "$(UNKNOWN)"]
    )
    assert environment.arguments(made, MOUNTS, {"WHICH": "/mnt/models/a"}) == [
        *(sys.executable, "-m", "server", "fetch", "s3://bucket/model", "/state/models"),
        *("/state/models/a", "$(WHICH)", "$(UNKNOWN)"),
    ]


@pytest.mark.parametrize(
    "image",
    [
        "seldon-mlflow-server",
        "seldon-mlflow-server:1.2",
        "localhost:5000/seldon-mlflow-server:1.2@sha256:00",
        "ghcr.io/fork/seldon-mlflow-server@sha256:00",
    ],
)
def test_any_forks_image_is_the_projects(image: str) -> None:
    assert environment.arguments(container(image=image), {}, {})[1:] == ["-m", "server", "serve"]


def test_another_image_is_refused() -> None:
    with pytest.raises(NotRunnable) as error:
        environment.arguments(container(image="ghcr.io/owner/other@sha256:00"), {}, {})
    assert str(error.value) == (
        f"{WHERE}.image of container model is 'ghcr.io/owner/other@sha256:00': the local run knows only the "
        "project's image, seldon-mlflow-server"
    )


def test_another_command_is_refused() -> None:
    with pytest.raises(NotRunnable) as error:
        environment.arguments(container(command=["sh"]), {}, {})
    assert (
        str(error.value) == f"{WHERE}.command of container model is set: the local run has no stand-in for it"
    )


def test_variables_are_set_as_kubernetes_does() -> None:
    made = container(
        envFrom=[{"secretRef": {"name": "store"}}, {"prefix": "S3_", "secretRef": {"name": "store"}}],
        env=[
            {"name": "USE_SSL", "value": "true"},
            {"name": "HOME", "value": "/tmp"},
            {"name": "MODEL", "value": "/mnt/models/iris"},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "store", "key": "AWS_ACCESS_KEY_ID"}}},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b", "optional": True}}},
            {"name": "BOTH", "value": "$(KEY)-$(LATER)"},
            {"name": "LATER", "value": "late"},
            {"name": "PREDICTIVE_UNIT_ID", "value": "mine"},
        ],
    )
    assert environment.variables(made, MOUNTS, SECRET, {"PREDICTIVE_UNIT_ID": "model"}, "seldon") == {
        "AWS_ACCESS_KEY_ID": "id",
        "USE_SSL": "true",
        "S3_AWS_ACCESS_KEY_ID": "id",
        "S3_USE_SSL": "false",
        "HOME": "/state/tmp",
        "MODEL": "/state/models/iris",
        "KEY": "id",
        "BOTH": "id-$(LATER)",
        "LATER": "late",
        "TMPDIR": "/state/tmp",
        "PREDICTIVE_UNIT_ID": "model",
    }


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"envFrom": [{"configMapRef": {"name": "settings"}}]},
            f"{WHERE}.envFrom[0] of container model is the ConfigMap 'settings': the local run provides secrets only",
        ),
        (
            {"env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]},
            f"{WHERE}.env[0].valueFrom of container model asks for 'status.podIP': the local run knows "
            "metadata.namespace of a pod only",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]},
            f"{WHERE}.env[0].valueFrom of container model is configMapKeyRef: the local run provides secretKeyRef, "
            "fieldRef and resourceFieldRef only",
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "store", "key": "TOKEN"}}}]},
            f"{WHERE}.env[0].valueFrom of container model asks for the key 'TOKEN' of a secret: the local run "
            "makes up AWS_ACCESS_KEY_ID, USE_SSL",
        ),
    ],
    ids=["config-map", "field-ref", "config-map-key", "key"],
)
def test_what_is_not_here_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(NotRunnable) as error:
        environment.variables(container(**fields), MOUNTS, SECRET, {}, "seldon")
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("asked", "divisor", "value"),
    [
        ("250m", "1m", "250"),
        ("1.5", "1", "2"),
        (2, "1m", "2000"),
        ("1Gi", "1Mi", "1024"),
        ("1M", "1k", "1000"),
    ],
)
def test_a_resource_is_what_the_container_asks_for(asked: str | int, divisor: str, value: str) -> None:
    reference = {"resourceFieldRef": {"resource": "requests.cpu", "divisor": divisor}}
    asking = container(resources={"requests": {"cpu": asked}}, env=[{"name": "CPU", "valueFrom": reference}])
    assert environment.variables(asking, MOUNTS, SECRET, {}, "seldon")["CPU"] == value


def test_the_namespace_is_the_pods() -> None:
    reference = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    asking = container(env=[{"name": "POD_NAMESPACE", "valueFrom": reference}])
    assert environment.variables(asking, {}, SECRET, {}, "models")["POD_NAMESPACE"] == "models"


def test_requests_to_the_store_are_signed_whatever_a_manifest_says() -> None:
    made = container(
        env=[{"name": "AWS_SKIP_SIGNATURE", "value": "true"}, {"name": "AWS_REGION", "value": "eu-west-1"}]
    )
    assert environment.variables(made, {}, SECRET, {}, "seldon") == {"AWS_REGION": "eu-west-1"}


def test_only_settings_of_package_clients_and_the_locale_pass() -> None:
    passed = {
        "PATH": "/bin",
        "LANG": "C",
        "LC_ALL": "C",
        "UV_CACHE_DIR": "/cache",
        "PIP_INDEX_URL": "https://packages.example",
        "ASDF_DATA_DIR": "/asdf",
        "MISE_DATA_DIR": "/mise",
        "https_proxy": "http://proxy.example",
        "NO_PROXY": "localhost",
        "SSL_CERT_FILE": "/ca.pem",
        "XDG_CACHE_HOME": "/xdg",
    }
    kept_out = {
        "AWS_SECRET_ACCESS_KEY": "a secret",
        "AWS_CA_BUNDLE": "/ca.pem",
        "PYTHONPATH": "/elsewhere",
        "GITHUB_TOKEN": "a secret",
        "UV_PROJECT_ENVIRONMENT": ".venv",
        "SERVICE_TYPE": "MODEL",
    }
    assert environment.host_variables(passed | kept_out) == passed


def test_packages_stay_where_the_user_has_them_whatever_home_a_manifest_sets() -> None:
    assert environment.host_variables({"HOME": "/home/user", "XDG_CONFIG_HOME": "/config"}) == {
        "HOME": "/home/user",
        "XDG_CACHE_HOME": "/home/user/.cache",
        "XDG_CONFIG_HOME": "/config",
        "XDG_DATA_HOME": "/home/user/.local/share",
    }
