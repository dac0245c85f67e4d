"""components/environment-cache: a volume that keeps a node's environments."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitops.local.commands import run_smoke
from gitops.manifests.kustomize import build
from gitops.manifests.seldondeployment import seldon_deployments
from tests.project import MANIFESTS, ROOT

MOUNT = "/mnt/environment-cache"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the manifests in which the preprocessor uses the component."""
    for name in ("base", "overlays", "components", "examples", "site"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    file = tmp_path / "overlays/preprocessor/kustomization.yaml"
    file.write_text(
        file.read_text().replace(
            "../../base/node\n", "../../base/node\n  - ../../components/environment-cache\n"
        )
    )
    (tmp_path / "server").symlink_to(ROOT / "server")
    return tmp_path


@pytest.mark.parametrize(
    ("overlay", "claim"),
    [
        ("preprocessor", "preprocessor-environment-cache"),
        ("pipeline", "preprocessor-environment-cache-pipeline"),
    ],
)
def test_only_the_environment_container_may_write_the_cache(tree: Path, overlay: str, claim: str) -> None:
    objects = build(tree / "overlays" / overlay)
    claims = [entry["metadata"]["name"] for entry in objects if entry["kind"] == "PersistentVolumeClaim"]
    assert claims == [claim]
    (deployment,) = seldon_deployments(objects)
    pod = deployment.predictors[0].pod_of("preprocessor")
    assert pod is not None
    volume = pod.volume("environment-cache")
    assert volume is not None
    assert volume.source == {"claimName": claim}
    fetch, environment = pod.init_containers
    (serve,) = pod.containers
    variable = environment.variable("ENVIRONMENT_CACHE")
    assert variable is not None
    assert variable.value == MOUNT
    mounted = {
        container.name: [mount.read_only for mount in container.mounts if mount.mount_path == MOUNT]
        for container in (fetch, environment, serve)
    }
    assert mounted == {fetch.name: [], environment.name: [False], serve.name: [True]}


@pytest.mark.long
def test_the_next_pod_finds_its_environment_made(tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    state = tree / ".demo"
    assert run_smoke(["preprocessor"], root=tree, state=state) == 0
    shutil.rmtree(state / "pods")
    assert run_smoke(["preprocessor"], root=tree, state=state) == 0
    log = next((state / "logs").rglob("preprocessor-environment*")).read_text()
    assert "is there already" in log
    assert "1 of 1 overlays ok" in capfd.readouterr().out
