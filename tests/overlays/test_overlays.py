"""What must hold for the overlays, whatever else changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gitops.manifests.graphnode import read_node
from gitops.manifests.kustomize import build
from gitops.manifests.seldondeployment import SeldonDeployment, seldon_deployments
from server.artifact.digest import model_digest
from server.settings import ServeSettings
from tests.project import MANIFESTS

OVERLAYS = sorted(folder.name for folder in (MANIFESTS / "overlays").iterdir())
NODES = {
    "model": ("MODEL", "iris_svm_model"),
    "preprocessor": ("TRANSFORMER", "iris_preprocessor_model"),
    "postprocessor": ("OUTPUT_TRANSFORMER", "iris_postprocessor_model"),
}
PARAMETERS = {"model_uri": "/mnt/models", "xtype": "DataFrame"}


def deployment(overlay: str, root: Path = MANIFESTS) -> SeldonDeployment:
    (found,) = seldon_deployments(build(root / "overlays" / overlay))
    return found


@pytest.fixture(params=OVERLAYS)
def rendered(request: pytest.FixtureRequest) -> SeldonDeployment:
    return deployment(request.param)


@pytest.mark.parametrize("node", NODES)
def test_a_single_node_is_deployed_as_the_tutorial_does(node: str) -> None:
    type_, folder = NODES[node]
    found = deployment(node)
    (predictor,) = found.predictors
    assert (found.name, found.namespace) == (f"graph-iris-{node}", "seldon")
    assert (predictor.name, predictor.replicas, predictor.no_engine) == (node, 1, True)
    assert (predictor.graph.name, predictor.graph.type, predictor.graph.children) == (node, type_, ())
    expected = PARAMETERS | ({"predict_method": "decision_function"} if node == "model" else {})
    assert {entry.name: entry.value for entry in predictor.graph.parameters} == expected
    (pod,) = predictor.pods
    assert pod.image_pull_secrets == ("mrx-ghcr",)
    assert [container.name for container in pod.init_containers] == [
        f"{node}-initializer",
        f"{node}-environment",
    ]
    initializer = pod.init_containers[0]
    table = read_node(MANIFESTS / "overlays" / node)
    assert table is not None
    assert table.model_uri.endswith(f"/{folder}")
    assert initializer.args == ("fetch", table.model_uri, "/mnt/models", "--digest", table.model_digest)
    assert [entry.secret for entry in initializer.env_from] == ["seldon-init-container-secret"]
    assert {entry.mount_path: entry.volume for entry in initializer.mounts}["/mnt/models"] == (
        "model-provision-location"
    )
    (container,) = pod.containers
    assert container.name == node
    variable = container.variable("SERVICE_TYPE")
    assert variable is not None
    assert variable.value == type_


def test_the_graph_transforms_input_first_and_output_last() -> None:
    (predictor,) = deployment("pipeline").predictors
    graph = predictor.graph
    assert [(node.name, node.type) for node in graph.walk()] == [
        ("preprocessor", "TRANSFORMER"),
        ("postprocessor", "OUTPUT_TRANSFORMER"),
        ("model", "MODEL"),
    ]
    assert [len(node.children) for node in graph.walk()] == [1, 1, 0]
    assert not predictor.no_engine
    assert "annotations" not in predictor.raw


def test_the_orchestrator_is_not_throttled() -> None:
    (predictor,) = deployment("pipeline").predictors
    resources = predictor.raw["svcOrchSpec"]["resources"]
    assert resources["requests"]["cpu"]
    assert "cpu" not in resources["limits"]


@pytest.mark.parametrize("node", NODES)
def test_the_graph_runs_each_node_as_its_overlay_says(node: str) -> None:
    (alone,) = deployment(node).predictors
    (together,) = deployment("pipeline").predictors
    pod, inner = together.pod_of(node), next(entry for entry in together.graph.walk() if entry.name == node)
    assert pod is not None
    # Its lock is a ConfigMap of the graph's own, of the same content and so the same hash.
    own = f"{node}-requirements-pipeline-"
    assert json.loads(json.dumps(pod.raw).replace(own, f"{node}-requirements-")) == alone.pods[0].raw
    assert inner.raw["parameters"] == alone.graph.raw["parameters"]
    assert inner.type == alone.graph.type


def test_a_change_of_an_overlay_changes_the_graph_too(tmp_path: Path) -> None:
    for name in ("base", "overlays", "site"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    node = tmp_path / "overlays/model/node.yaml"
    node.write_text(
        node.read_text().replace("iris_svm_model", "iris_tree_model").replace("DataFrame", "ndarray")
    )
    (predictor,) = deployment("pipeline", tmp_path).predictors
    pod = predictor.pod_of("model")
    assert pod is not None
    assert pod.init_containers[0].args[1].endswith("/iris_tree_model")
    types = {
        inner.name: entry.value
        for inner in predictor.graph.walk()
        for entry in inner.parameters
        if entry.name == "xtype"
    }
    assert types == {"preprocessor": "DataFrame", "postprocessor": "DataFrame", "model": "ndarray"}


@pytest.mark.parametrize("node", NODES)
def test_the_pinned_digest_is_that_of_the_example_model(node: str) -> None:
    found = read_node(MANIFESTS / "overlays" / node)
    assert found is not None
    assert found.model_digest == model_digest(MANIFESTS / "examples/iris/models" / NODES[node][1])


def test_a_pod_is_allowed_where_pod_security_enforces_restricted(rendered: SeldonDeployment) -> None:
    for pod in rendered.predictors[0].pods:
        security = pod.raw["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["fsGroup"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {volume.kind for volume in pod.volumes} <= {"emptyDir", "configMap"}
        for container in (*pod.init_containers, *pod.containers):
            assert container.raw["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_a_pod_has_no_service_account_and_no_service_links(rendered: SeldonDeployment) -> None:
    for pod in rendered.predictors[0].pods:
        assert pod.raw["automountServiceAccountToken"] is False
        assert pod.raw["enableServiceLinks"] is False


def test_the_models_code_can_write_nothing_but_its_scratch_folder(rendered: SeldonDeployment) -> None:
    for pod in rendered.predictors[0].pods:
        writable = {
            container.name.removeprefix(f"{pod.containers[0].name}-"): sorted(
                mount.mount_path for mount in container.mounts if not mount.read_only
            )
            for container in (*pod.init_containers, *pod.containers)
        }
        assert writable == {
            "initializer": ["/mnt/models", "/tmp"],
            "environment": ["/mnt/environment", "/tmp"],
            pod.containers[0].name: ["/tmp"],
        }
        assert all("sizeLimit" in volume.source for volume in pod.volumes if volume.kind == "emptyDir")


def test_every_container_has_resources_and_its_last_words(rendered: SeldonDeployment) -> None:
    for pod in rendered.predictors[0].pods:
        for container in (*pod.init_containers, *pod.containers):
            assert {"cpu", "memory"} <= container.raw["resources"]["requests"].keys()
            assert "memory" in container.raw["resources"]["limits"]
            assert container.raw["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_a_server_is_probed_on_the_port_that_the_operator_names(rendered: SeldonDeployment) -> None:
    for container in rendered.predictors[0].containers:
        probes = {name: container.raw[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
        assert {name: probe["httpGet"] for name, probe in probes.items()} == {
            "startup": {"port": "metrics", "path": "/health/status"},
            "readiness": {"port": "metrics", "path": "/health/status"},
            "liveness": {"port": "metrics", "path": "/health/ping"},
        }
        # A model may take minutes to load.
        assert probes["startup"]["periodSeconds"] * probes["startup"]["failureThreshold"] >= 300
        assert "ports" not in container.raw


def test_a_pod_that_ends_answers_what_it_has_taken(rendered: SeldonDeployment) -> None:
    drain = ServeSettings().drain_seconds
    for pod in rendered.predictors[0].pods:
        (container,) = pod.containers
        # No shell: the operator's own preStop would need one.
        command = container.raw["lifecycle"]["preStop"]["exec"]["command"]
        assert command == ["python", "-I", "-S", "-c", "import time; time.sleep(5)"]
        assert pod.raw["terminationGracePeriodSeconds"] > 5 + drain


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_says_what_it_answers(overlay: str) -> None:
    expected: dict[str, Any] = json.loads((MANIFESTS / "overlays" / overlay / "expected.json").read_text())
    assert list(expected) == ["request", "response", "models"]
    for message in (expected["request"], expected["response"]):
        data = message["data"]
        assert {len(row) for row in data["ndarray"]} == {len(data["names"])}
    assert len(expected["request"]["data"]["ndarray"]) == len(expected["response"]["data"]["ndarray"])


@pytest.mark.parametrize("node", NODES)
def test_the_lock_is_mounted_by_a_name_that_follows_its_content(node: str, tmp_path: Path) -> None:
    for name in ("base", "overlays", "site"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    lock = tmp_path / "overlays" / node / "requirements.lock"
    names = []
    for text in (lock.read_text(), "numpy==2.4.6\n"):
        lock.write_text(text)
        objects = build(lock.parent)
        (config_map,) = [found for found in objects if "requirements.lock" in found.get("data", {})]
        assert config_map["data"] == {"requirements.lock": text}
        (rendered,) = seldon_deployments(objects)
        volume = rendered.predictors[0].pods[0].volume("requirements")
        assert volume is not None
        assert volume.source == {"name": config_map["metadata"]["name"], "optional": True}
        names.append(volume.source["name"])
    assert names[0] != names[1]


def test_an_overlay_without_a_lock_still_builds(tmp_path: Path) -> None:
    for name in ("base", "overlays", "site"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    file = tmp_path / "overlays/preprocessor/kustomization.yaml"
    entry = "  - name: preprocessor-requirements\n    files: [requirements.lock]\n"
    assert entry in file.read_text()
    file.write_text(file.read_text().replace(entry, ""))
    (rendered,) = seldon_deployments(build(file.parent))
    volume = rendered.predictors[0].pods[0].volume("requirements")
    assert volume is not None
    assert volume.source == {"name": "preprocessor-requirements", "optional": True}


def test_fetch_refuses_a_model_before_its_volume_is_full(rendered: SeldonDeployment) -> None:
    for predictor in rendered.predictors:
        for pod in predictor.pods:
            limit = pod.init_containers[0].variable("FETCH_MAX_BYTES")
            volume = pod.volume("model-provision-location")
            assert limit is not None
            assert volume is not None
            # An archive lies beside what is unpacked from it.
            assert f"{2 * int(limit.value or 0) // 2**30}Gi" == volume.source["sizeLimit"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_smoke_test_asks_for_what_the_overlay_pins(overlay: str) -> None:
    folder = MANIFESTS / "overlays" / overlay
    objects = build(folder)
    (job,) = [found for found in objects if found["kind"] == "Job"]
    (rendered,) = seldon_deployments(objects)
    (predictor,) = rendered.predictors
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    images = {each.image for each in predictor.pods[0].containers}
    assert {container["image"], env["IMAGE"]} == images
    port = 9000 if overlay in NODES else 8000
    assert env["SERVICE"] == f"{rendered.name}-{predictor.name}"
    assert f"http://$(SERVICE):{port}" in container["args"]
    asked = [text.partition("$(")[2].rstrip(")") for text in container["args"] if "--model-digest=" in text]
    nodes = [overlay] if overlay in NODES else list(NODES)
    assert sorted(env[name] for name in asked) == sorted(
        read_node(MANIFESTS / "overlays" / node).model_digest for node in nodes
    )
    (expected,) = [
        found for found in objects if found["metadata"]["name"] == pod["volumes"][0]["configMap"]["name"]
    ]
    assert json.loads(expected["data"]["expected.json"]) == json.loads(
        (folder / "expected.json").read_bytes()
    )
