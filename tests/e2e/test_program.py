"""The whole of `make e2e` on a cluster, with stand-ins for Seldon's operator and orchestrator.

Besides what docs/cluster.md lists, ORCHESTRATOR_IMAGE is IMAGE by another name: under its own it would count as one of the
project's containers. The cluster has Sealed Secrets and Argo CD, no kind SeldonDeployment and no namespace seldon-system.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops.manifests.site import read_site
from gitops.seal.command import values_of
from gitops.seal.secrets import image_pull
from tests.cluster.kubectl import apply, kubectl, names
from tests.e2e.stand_in.operator import watching
from tests.project import MANIFESTS

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]

ROOT = Path(__file__).parents[2]
CRD = ROOT / "tests" / "cluster" / "seldondeployment-crd.yaml"
SYSTEM = "seldon-system"
PULL = image_pull(read_site(MANIFESTS))
NEEDED = ("KUBECONFIG", "IMAGE", "ORCHESTRATOR_IMAGE", *(value.name for value in PULL.values))
COMMAND = [sys.executable, "-m", "tests.e2e"]
GIVEN = {"CI": "true", "TREE": "tests/manifests", "STORE": "pod", "INDEX": "pod"}


@pytest.fixture(scope="module")
def operator() -> Iterator[None]:
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        pytest.skip(f"needs a cluster (docs/cluster.md): set {', '.join(missing)}")
    labels = {"control-plane": "seldon-controller-manager", "app.kubernetes.io/version": "1.17.1"}
    pull = PULL.manifest(values_of(PULL, os.environ))
    pod = {
        "terminationGracePeriodSeconds": 1,
        "imagePullSecrets": [{"name": PULL.name}],
        "containers": [{"name": "manager", "image": os.environ["IMAGE"], "command": ["sleep", "infinity"]}],
    }
    try:
        kubectl("apply", "--server-side", "--filename", str(CRD))
        kubectl("wait", "--for=condition=Established", "crd/seldondeployments.machinelearning.seldon.io")
        apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}})
        apply({**pull, "metadata": {"name": PULL.name, "namespace": SYSTEM}})
        apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "stand-in", "namespace": SYSTEM, "labels": labels},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": pod},
                },
            }
        )
        kubectl("--namespace", SYSTEM, "rollout", "status", "deployment/stand-in", "--timeout=100s")
        with watching(os.environ["ORCHESTRATOR_IMAGE"]):
            yield
    finally:
        kubectl("delete", "namespace", SYSTEM, "--ignore-not-found", "--timeout=100s")
        kubectl("delete", "--filename", str(CRD), "--ignore-not-found")


def namespaces() -> set[str]:
    return {name for name in names("namespaces", "default") if name.startswith("seldon-e2e-")}


def e2e(**environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        COMMAND, cwd=ROOT, env={**os.environ, **GIVEN, **environ}, capture_output=True, text=True, check=False
    )


@pytest.mark.usefixtures("operator")
def test_all_overlays_and_all_changes() -> None:
    before = namespaces()
    done = e2e()
    assert done.returncode == 0, done.stdout + done.stderr
    for service, rest, grpc in (
        ("graph-iris-model-model", 9000, 9500),
        ("graph-iris-preprocessor-preprocessor", 9000, 9500),
        ("graph-iris-postprocessor-postprocessor", 9000, 9500),
        ("graph-iris-pipeline-pipeline", 8000, 5001),
    ):
        right = "numbers, names and requestPath as expected"
        assert f"REST at http://{service}:{rest}/api/v1.0/predictions: {right}" in done.stdout
        assert f"gRPC at {service}:{grpc}: {right}" in done.stdout
        assert f"{service.rpartition('-')[0]}: its smoke test passed in the cluster" in done.stdout
    assert "ok  3 pods: the project's containers are not root and meet Pod Security restricted" in done.stdout
    for change in ("a pod was deleted", "the model sha256:[0-9a-f]{64} was rolled out"):
        assert re.search(rf"ok  graph-iris-model: 0 of \d+ requests failed while {change}", done.stdout)
    assert namespaces() == before


@pytest.mark.usefixtures("operator")
def test_what_is_wrong_is_said_with_all_that_helps_and_the_namespace_goes() -> None:
    before = namespaces()
    done = e2e(OVERLAYS="preprocessor", INGRESS_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert re.search(
        r"^e2e: graph-iris-preprocessor: INGRESS_URL at http://127\.0\.0\.1:9/seldon/(seldon-e2e-\w+)"
        r"/graph-iris-preprocessor/api/v1\.0/predictions: no answer: .*Connection refused",
        done.stderr,
        re.MULTILINE,
    )
    assert "get events --sort-by=.lastTimestamp" in done.stderr
    assert "describe pods" in done.stderr
    assert namespaces() == before


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_stopped_leaves_nothing(number: signal.Signals) -> None:
    before = namespaces()
    environ = {**os.environ, **GIVEN, "OVERLAYS": "preprocessor"}
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any("graph-iris-preprocessor: applied" in line for line in process.stdout)
        process.send_signal(number)
        _, said = process.communicate(timeout=400)
    assert (process.returncode, said) == (130, "e2e: stopped\n")
    assert namespaces() == before


@pytest.mark.usefixtures("operator")
def test_a_kept_namespace_is_named() -> None:
    before = namespaces()
    done = e2e(OVERLAYS="preprocessor", INGRESS_URL="http://127.0.0.1:9", KEEP="1")
    (kept,) = namespaces() - before
    try:
        assert f"kept, since KEEP is set; to remove it: kubectl delete namespace {kept}\n" in done.stdout
    finally:
        kubectl("delete", "namespace", kept, seconds=300)
