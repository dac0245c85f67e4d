from __future__ import annotations

import re
from dataclasses import fields

import pytest

from tests.e2e.errors import E2eError
from tests.e2e.settings import Settings, read
from tests.project import MANIFESTS, ROOT

DIGEST = "sha256:" + "1" * 64


def test_nothing_need_be_set() -> None:
    assert read({}) == Settings()


def test_all_that_can_be_set() -> None:
    environ = {
        "TREE": "tests/manifests",
        "OVERLAYS": "model, preprocessor",
        "IMAGE": f"registry.test:5000/team/seldon-mlflow-server@{DIGEST}",
        "NEXT_IMAGE": "seldon-mlflow-server:next",
        "STORE": "pod",
        "INDEX": "pod",
        "INGRESS_URL": "https://models.example.com/",
        "CONFIRM": "kind-kind",
        "KEEP": "1",
        "CI": "true",
    }
    assert read(environ) == Settings(
        tree=MANIFESTS,
        overlays=("model", "preprocessor"),
        image=environ["IMAGE"],
        next_image="seldon-mlflow-server:next",
        store_in_pod=True,
        index_in_pod=True,
        ingress_url="https://models.example.com",
        context="kind-kind",
        keep=True,
        ci=True,
    )


@pytest.mark.parametrize("value", ["", "0", "false", "False"])
def test_what_is_said_to_be_off_is_off(value: str) -> None:
    assert read({"CI": value, "KEEP": value}) == Settings()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (
            {"IMAGE": "a/seldon-mlflow-server@sha256:1"},
            "IMAGE=a/seldon-mlflow-server@sha256:1: its digest must be sha256: and 64 digits of 0–9 and a–f",
        ),
        (
            {"NEXT_IMAGE": "registry.test:5000/seldon-mlflow-server"},
            "NEXT_IMAGE=registry.test:5000/seldon-mlflow-server: name it by digest, as in registry/name@sha256:…, or by a tag "
            "that is not latest",
        ),
        (
            {"IMAGE": "seldon-mlflow-server: next"},
            "IMAGE=seldon-mlflow-server: next: name it by digest, as in registry/name@sha256:…, or by a tag "
            "that is not latest",
        ),
        (
            {"IMAGE": "a/seldon-mlflow-server:latest"},
            "IMAGE=a/seldon-mlflow-server:latest: name it by digest, as in registry/name@sha256:…, or by a tag that is not "
            "latest",
        ),
        (
            {"INGRESS_URL": "http://[::1:8080"},
            "INGRESS_URL=http://[::1:8080: must be http://HOST:PORT or https://HOST, without a path",
        ),
        (
            {"INGRESS_URL": "http://localhost:80800"},
            "INGRESS_URL=http://localhost:80800: must be http://HOST:PORT or https://HOST, without a path",
        ),
        (
            {"IMAGE": "a/server:1"},
            "IMAGE=a/server:1: must be named seldon-mlflow-server, by which the project's containers are known",
        ),
        (
            {"IMAGE": "seldon-mlflow-server:1", "NEXT_IMAGE": "seldon-mlflow-server:1"},
            "NEXT_IMAGE is IMAGE: must be another one, to roll out",
        ),
        ({"STORE": "s3"}, "STORE=s3: must be pod (the models in a pod) or not set"),
        (
            {"TREE": "docs"},
            "TREE=docs: must be a folder with base and overlays, such as tests/manifests; without it they are this repository's",
        ),
        ({"KEEP": "on"}, "KEEP 'on': must be 1, yes, true to switch it on, or 0, no, false to switch it off"),
        ({"INDEX": "1"}, "INDEX=1: must be pod (the wheels of the locks in a pod) or not set"),
        (
            {"INGRESS_URL": "models.example.com"},
            "INGRESS_URL=models.example.com: must be http://HOST:PORT or https://HOST, without a path",
        ),
        (
            {"INGRESS_URL": "http://a/seldon"},
            "INGRESS_URL=http://a/seldon: must be http://HOST:PORT or https://HOST, without a path",
        ),
    ],
    ids=[
        *(
            "digest",
            "no tag",
            "no such tag",
            "latest",
            "no address",
            "no port",
            "name",
            "same image",
            "store",
            "tree",
            "keep",
            "index",
        ),
        *("no scheme", "path"),
    ],
)
def test_a_wrong_value_is_refused(environ: dict[str, str], said: str) -> None:
    with pytest.raises(E2eError) as refused:
        read(environ)
    assert str(refused.value) == said


def test_the_documentation_lists_all_of_them() -> None:
    class Asked(dict[str, str]):
        def get(self, name: str, default: str = "") -> str:
            self[name] = default
            return default

    asked = Asked()
    read(asked)
    listed = (ROOT / "docs/cluster.md").read_text()
    assert [name for name in asked if not re.search(rf"`{name}(=\w+)?`", listed)] == []
    assert len(asked) == len(fields(Settings))
