"""A deployment whose clients speak the Open Inference Protocol: the component that an overlay switches on for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitops.manifests.rendered import Rendered
from gitops.manifests.tree import load
from gitops.policies.evaluation import findings
from gitops.promote.new_overlay import COMPONENT, KUSTOMIZATION
from tests.project import MANIFESTS

NAME = "sepals"
FOLDER = f"overlays/{NAME}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("argocd", "base", "components", "overlays", "site"):
        shutil.copytree(MANIFESTS / name, tmp_path / name)
    shutil.copytree(tmp_path / "overlays/preprocessor", tmp_path / FOLDER)
    kustomization = KUSTOMIZATION.format(name=NAME, component=COMPONENT)
    (tmp_path / FOLDER / "kustomization.yaml").write_text(kustomization)
    for file in ("node.yaml", "expected.json"):
        text = (tmp_path / FOLDER / file).read_text()
        (tmp_path / FOLDER / file).write_text(
            text.replace("preprocessor", NAME).replace(f"iris_{NAME}", "iris_preprocessor")
        )
    return tmp_path


def errors(root: Path) -> list[str]:
    return [str(finding) for finding in findings(load(root)) if finding.level == "error"]


def rendered(root: Path) -> Rendered:
    return load(root).rendered[FOLDER]


def smoke(root: Path) -> list[str]:
    (job,) = (entry for entry in rendered(root).objects if entry["kind"] == "Job")
    args: list[str] = job["spec"]["template"]["spec"]["containers"][0]["args"]
    return args[5:]


def test_deployment_and_smoke_test_get_the_protocol(root: Path) -> None:
    assert errors(root) == []
    (deployment,) = rendered(root).deployments
    assert deployment.raw["spec"]["protocol"] == "v2"
    assert smoke(root) == ["--protocol=v2", f"--node={NAME}"]


def test_other_overlays_render_nothing_of_it(root: Path) -> None:
    (deployment,) = load(root).rendered["overlays/model"].deployments
    assert "protocol" not in deployment.raw["spec"]


def test_another_protocol_is_refused(root: Path) -> None:
    file = root / FOLDER / "kustomization.yaml"
    operation = '[{"op": "add", "path": "/spec/protocol", "value": "tensorflow"}]'
    text = file.read_text().replace(COMPONENT, "")
    file.write_text(f"{text}patches:\n  - target: {{kind: SeldonDeployment}}\n    patch: '{operation}'\n")
    (error,) = errors(root)
    assert error.startswith(f"error[smoke-protocol] {FOLDER}\n")
    assert "asks by the protocol 'seldon', the deployment's is 'tensorflow'" in error


def test_a_graph_of_nodes_with_it_is_refused(root: Path) -> None:
    for name in ("preprocessor", "postprocessor", "model"):
        file = root / "overlays" / name / "kustomization.yaml"
        file.write_text(
            file.read_text().replace("  - ../../base/node\n", f"  - ../../base/node\n{COMPONENT}")
        )
    (error,) = errors(root)
    assert error.startswith("error[smoke-protocol] overlays/pipeline\n")
    assert "Job graph-iris-smoke-pipeline: asks by the protocol 'v2', the deployment's is 'seldon'" in error
