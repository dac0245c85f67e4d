"""What Argo CD makes of argocd/, base/secrets and the overlays: on a real cluster, without Seldon's operator.

The cluster of KUBECONFIG has Argo CD (namespace argocd) and Sealed Secrets, no kind SeldonDeployment and no namespace
seldon; kubectl is on PATH. Besides:

- CLUSTER_GIT: where to push the repository that Argo CD reads at the address in site/site.yaml
- ARGOCD_SERVER, and ARGOCD_OPTS or a login, as the program argocd on PATH knows them
- SMOKE_PASSES, SMOKE_FAILS: images NAME@sha256:… whose program ends with 0 and 1, in a registry
- REGISTRY_SERVER, REGISTRY_USERNAME, REGISTRY_TOKEN: that registry, for the Secret mrx-ghcr

The statuses of the deployments are written by hand, as the operator writes them. The tests build on each other.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.manifests import site
from gitops.manifests.kustomize import build
from gitops.seal.command import fetch_certificate, seal
from tests.cluster.kubectl import apply, get, kubectl, names, wait
from tests.project import MANIFESTS

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("argocd")]

ARGOCD, SELDON = "argocd", "seldon"
MODEL = "graph-iris-model"
DEPLOYMENTS = {MODEL, "graph-iris-preprocessor", "graph-iris-postprocessor"}
NEEDED = ("KUBECONFIG", "CLUSTER_GIT", "ARGOCD_SERVER", "SMOKE_PASSES", "SMOKE_FAILS", "REGISTRY_SERVER")
STORE = {
    "AWS_ACCESS_KEY_ID": "reader",
    "AWS_SECRET_ACCESS_KEY": "reader's secret",
    "AWS_ENDPOINT_URL": "http://s3.test:7070",
    "USE_SSL": "false",
}


@dataclass(frozen=True)
class Repository:
    """A copy of this repository, sealed to the cluster, whose deployments run an image of the tests."""

    folder: Path

    def git(self, *arguments: str) -> str:
        author = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
        done = subprocess.run(
            ["git", *author, *arguments], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def run(self, image: str) -> None:
        """Pin ``image`` in the base and push that."""
        name, _, digest = image.partition("@")
        file = self.folder / "base" / "kustomization.yaml"
        content = yaml.safe_load(file.read_text())
        content["images"] = [{"name": "seldon-mlflow-server", "digest": digest}]
        file.write_text(yaml.safe_dump(content))
        file = self.folder / site.FILE
        file.write_text(site.edited(file.read_text(), {("image",): name}))
        self.git("add", "--all")
        self.git("commit", "--message", f"Run {image}")
        self.push()

    def push(self) -> None:
        self.git("push", "--force", os.environ["CLUSTER_GIT"], "HEAD:refs/heads/main")
        for name in names("application", ARGOCD):
            kubectl(
                *("--namespace", ARGOCD, "annotate", "--overwrite", "application", name),
                "argocd.argoproj.io/refresh=hard",
            )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        pytest.skip(f"needs a cluster: set {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("repository")
    for name in ("argocd", "base", "overlays", "site"):
        shutil.copytree(MANIFESTS / name, folder / name)
    repository = Repository(folder)
    repository.git("init", "--initial-branch", "main")
    fetch_certificate("", root=folder, out=sys.stderr)
    seal([], root=folder, environ={**os.environ, **STORE}, lines=None, ask=None, out=sys.stderr)
    repository.run(os.environ["SMOKE_PASSES"])
    kubectl(
        "apply", "--server-side", "--filename", str(Path(__file__).with_name("seldondeployment-crd.yaml"))
    )
    # Argo CD learns of a new kind when it looks for kinds again.
    kubectl("wait", "--for=condition=Established", "crd/seldondeployments.machinelearning.seldon.io")
    try:
        yield repository
    finally:
        kubectl("--namespace", ARGOCD, "delete", "applicationset", "--all", "--cascade=orphan", check=False)
        for name in names("application", ARGOCD):
            # The namespace goes as a whole: Argo CD need not take it apart.
            kubectl(
                *("--namespace", ARGOCD, "patch", "application", name, "--type=merge"),
                *("--patch", '{"metadata": {"finalizers": null}}'),
            )
        for kind in ("application", "appproject"):
            kubectl("--namespace", ARGOCD, "delete", kind, "--all", "--timeout=60s", check=False)
        # Nor the smoke tests: nobody is left to take Argo CD's finalizer off them.
        for name in names("job", SELDON):
            kubectl(
                *("--namespace", SELDON, "patch", "job", name, "--type=merge"),
                *("--patch", '{"metadata": {"finalizers": null}}'),
            )
        kubectl("delete", "namespace", SELDON, "--ignore-not-found", "--timeout=100s", check=False)
        kubectl("delete", "crd", "seldondeployments.machinelearning.seldon.io", "--ignore-not-found")


def application(name: str) -> dict[str, Any]:
    return dict(get("application", name, ARGOCD).get("status", {}))


def health(name: str) -> tuple[str, str]:
    """Return what Argo CD makes of a deployment's status: state and message. The object Application has no message."""
    shown = subprocess.run(
        ["argocd", "app", "get", name, "--output", "json"], capture_output=True, text=True, check=True
    )
    for entry in json.loads(shown.stdout)["status"].get("resources", []):
        if entry["kind"] == "SeldonDeployment" and "health" in entry:
            return entry["health"]["status"], entry["health"].get("message", "")
    return "", ""


def status(name: str, state: str, **other: str) -> None:
    """Write a deployment's status as the operator does."""
    kubectl(
        *("--namespace", SELDON, "patch", "seldondeployment", name, "--subresource=status", "--type=merge"),
        *("--field-manager=manager", "--patch", json.dumps({"status": {"state": state, **other}})),
    )


def image(name: str) -> str:
    found = get("seldondeployment", name, SELDON)
    if not found:
        return ""
    (container,) = found["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"]
    return str(container["image"])


def available(name: str) -> None:
    """Say that the operator has seen the newest spec; until then an old status does not count."""
    status(name, "Creating")
    status(name, "Available")


def jobs_pod(name: str) -> dict[str, Any]:
    listed = json.loads(
        kubectl(
            "--namespace", SELDON, "get", "pod", "--selector", f"job-name={name}-smoke", "--output", "json"
        )
    )["items"]
    return dict(listed[0]) if listed else {}


def test_the_set_makes_an_application_of_each_overlay(repository: Repository) -> None:
    objects = build(repository.folder / "argocd")
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SELDON}})
    # The secrets come later: see that pods wait for them.
    apply(*(entry for entry in objects if entry["kind"] != "Application"))
    wait("the Applications", lambda: names("application", ARGOCD) == DEPLOYMENTS)
    for name in DEPLOYMENTS:
        wait(f"{name} in the cluster", lambda name=name: get("seldondeployment", name, SELDON))


def test_a_deployment_without_a_status_is_progressing(repository: Repository) -> None:
    wait("its health", lambda: health(MODEL) == ("Progressing", "the operator has not written a status yet"))
    assert get("job", f"{MODEL}-smoke", SELDON) == {}


def test_pods_wait_for_their_secrets(repository: Repository) -> None:
    for name in DEPLOYMENTS:
        available(name)

    def waiting() -> str:
        states = jobs_pod(MODEL).get("status", {}).get("containerStatuses", [])
        return str(states[0]["state"].get("waiting", {}).get("reason", "")) if states else ""

    wait("a pod that cannot pull", lambda: waiting() in ("ErrImagePull", "ImagePullBackOff"))
    objects = build(repository.folder / "argocd")
    apply(*(entry for entry in objects if entry["kind"] == "Application"))
    wait("the Secrets", lambda: names("secret", SELDON) >= {"mrx-ghcr", "seldon-init-container-secret"})
    found = get("secret", "seldon-init-container-secret", SELDON)["data"]
    assert {key: base64.b64decode(value).decode() for key, value in found.items()} == STORE
    for name in DEPLOYMENTS:
        wait(
            f"{name} synced with its smoke test",
            lambda name=name: application(name).get("operationState", {}).get("phase") == "Succeeded",
            240,
        )
        assert application(name)["sync"]["status"] == "Synced"


def test_what_is_changed_by_hand_is_undone(repository: Repository) -> None:
    assert get("seldondeployment", MODEL, SELDON)["spec"]["predictors"][0]["replicas"] == 1
    patch = [{"op": "replace", "path": "/spec/predictors/0/replicas", "value": 3}]
    kubectl(
        *(
            "--namespace",
            SELDON,
            "patch",
            "seldondeployment",
            MODEL,
            "--type=json",
            "--patch",
            json.dumps(patch),
        )
    )
    wait(
        "one replica again",
        lambda: get("seldondeployment", MODEL, SELDON)["spec"]["predictors"][0]["replicas"] == 1,
    )


def test_health_is_what_the_operator_says(repository: Repository) -> None:
    status(MODEL, "Failed", description="Deployment is no longer progressing and not available.")
    wait(
        "Degraded",
        lambda: health(MODEL) == ("Degraded", "Deployment is no longer progressing and not available."),
    )
    available(MODEL)
    wait("Healthy", lambda: health(MODEL) == ("Healthy", "Available"))


def test_a_failed_smoke_test_fails_the_sync_and_a_revert_rolls_back(repository: Repository) -> None:
    repository.run(os.environ["SMOKE_FAILS"])
    wait("the new image", lambda: image(MODEL) == os.environ["SMOKE_FAILS"])
    available(MODEL)

    def failed() -> Any:
        state = application(MODEL).get("operationState", {})
        results = state.get("syncResult", {}).get("resources", [])
        return [entry for entry in results if entry["kind"] == "Job" and entry.get("hookPhase") == "Failed"]

    (job,) = wait("a failed sync", failed, 180)
    assert job["name"] == f"{MODEL}-smoke"
    assert application(MODEL)["operationState"]["phase"] != "Succeeded"

    repository.git("revert", "--no-edit", "HEAD")
    repository.push()
    wait("the image before", lambda: image(MODEL) == os.environ["SMOKE_PASSES"], 400)
    available(MODEL)
    head = repository.git("rev-parse", "HEAD")

    def succeeded() -> bool:
        state = application(MODEL).get("operationState", {})
        return state.get("phase") == "Succeeded" and state.get("syncResult", {}).get("revision") == head

    wait("a sync of the revert", succeeded, 240)
