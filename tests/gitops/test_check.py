"""What the check says, and how it ends."""

from __future__ import annotations

import io
import json
import shutil
from typing import Any

import pytest

from gitops.check import check
from gitops.policies import evaluation
from gitops.policies.evaluation import POLICIES
from gitops.policies.policy import Policy
from tests.gitops.policies.copies import Copy
from tests.project import MANIFESTS

USERS = "overlays/model, overlays/postprocessor, overlays/preprocessor"


def test_a_line_for_each_kustomization_that_is_fine(tree: Copy) -> None:
    status, said = tree.check()
    assert status == 0
    lines = {
        line.partition(": ")[0]: line.partition(": ")[2] for line in said.splitlines() if line[:3] == "ok "
    }
    assert list(lines) == [
        "ok base",
        "ok base/node",
        "ok base/secrets",
        "ok overlays/model",
        "ok overlays/pipeline",
        "ok overlays/postprocessor",
        "ok overlays/preprocessor",
        "ok site",
    ]
    assert lines["ok base"] == "builds; judged as a part of the overlays"
    assert lines["ok base/node"] == f"builds as a part of {USERS}"
    assert lines["ok base/secrets"] == (
        "Namespace seldon, SealedSecret mrx-ghcr, SealedSecret seldon-init-container-secret"
    )
    assert lines["ok overlays/model"].endswith("SeldonDeployment graph-iris-model")


def test_all_findings_are_listed_and_the_status_is_1(tree: Copy) -> None:
    tree.append("overlays/model/node.yaml", "  predictMethod: predict_proba\n")
    tree.edit("overlays/pipeline/seldondeployment.yaml", "- name: pipeline", "- name: default")
    status, said = tree.check()
    assert status == 1
    assert [line for line in said.splitlines() if line.startswith(("error", "2 "))] == [
        "error[schema] overlays/model",
        "error[folder-name] overlays/pipeline",
        "2 errors in 8 kustomizations",
    ]
    assert "ok overlays/model" not in said


def test_a_program_reads_the_same(tree: Copy) -> None:
    tree.edit("overlays/pipeline/seldondeployment.yaml", "- name: pipeline", "- name: default")
    out = io.StringIO()
    assert check(tree.root, out, as_json=True) == 1
    content = json.loads(out.getvalue())
    assert (content["command"], content["ok"]) == ("check", False)
    (error,) = (item for item in content["items"] if item["level"] == "error")
    assert (error["id"], error["place"]) == ("folder-name", "overlays/pipeline")
    assert error["message"] == "spec.predictors[0].name is 'default'"
    assert (error["owner"], error["also"], error["before"]) == (
        "SeldonDeployment graph-iris-pipeline",
        [],
        "",
    )
    fine = {item["place"]: item["message"] for item in content["items"] if item["level"] == "ok"}
    assert fine["overlays/model"].endswith("SeldonDeployment graph-iris-model")
    assert "overlays/pipeline" not in fine
    said = tree.check()[1]
    assert [f"ok {place}" for place in fine] == [
        line.partition(": ")[0] for line in said.splitlines() if line.startswith("ok ")
    ]


def test_a_program_reads_what_is_not_built(tree: Copy) -> None:
    tree.edit("overlays/postprocessor/kustomization.yaml", "resources:", "resources: [")
    # Not UTF-8.
    (tree.root / "overlays/model/b\udcff.yaml").write_text("kind: [")
    (tree.root / "overlays/b\udcff").mkdir()
    (tree.root / "overlays/b\udcff/kustomization.yaml").write_text("resource: []\n")
    file = tree.root / "check.json"
    with file.open("w", encoding="utf-8") as out:
        assert check(tree.root, out, as_json=True) == 1
    items = json.loads(file.read_text())["items"]
    assert [(item["place"], item["message"]) for item in items if item["level"] == "unknown"] == [
        ("overlays/pipeline", "is made of overlays/postprocessor")
    ]
    assert "overlays/b\udcff" in {item["place"] for item in items if item["level"] == "error"}


def test_a_finding_names_object_value_policy_and_fix(tree: Copy) -> None:
    tree.edit("overlays/pipeline/seldondeployment.yaml", "- name: pipeline", "- name: default")
    assert tree.errors() == [
        "error[folder-name] overlays/pipeline\n"
        "  SeldonDeployment graph-iris-pipeline: spec.predictors[0].name is 'default'\n"
        "  policy: An overlay's folder, predictor and node have one name: one word per thing\n"
        "  fix: name it pipeline, or rename the folder"
    ]


def test_a_link_to_nothing_beside_an_overlay_keeps_nothing_from_being_judged(tree: Copy) -> None:
    file = tree.root / "overlays/model/contract.json"
    file.unlink()
    file.symlink_to("nowhere")
    status, said = tree.check()
    assert (status, "cannot judge" in said) == (0, False)
    assert "GraphNode model: has no contract.json beside it" in said


def test_a_warning_does_not_change_the_status(tree: Copy) -> None:
    (tree.root / "overlays/model/contract.json").unlink()
    status, said = tree.check()
    assert status == 0
    assert (
        "warning[contract-present] overlays/model\n  GraphNode model: has no contract.json beside it\n"
        in said
    )


def test_every_policy_is_listed() -> None:
    modules = [
        getattr(evaluation, name)
        for name in dir(evaluation)
        if hasattr(getattr(evaluation, name), "__file__")
    ]
    written = {
        id(value) for module in modules for value in vars(module).values() if isinstance(value, Policy)
    }
    assert written == {id(policy) for policy in POLICIES}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_a_policy_has_an_id_of_its_own_and_a_reason_of_one_line(policy: Policy[Any]) -> None:
    assert [other.id for other in POLICIES].count(policy.id) == 1
    assert ": " in policy.reason
    assert "\n" not in policy.reason


def test_a_folder_that_no_policy_can_rely_on_is_judged_no_further(tree: Copy) -> None:
    tree.edit("base/secrets/namespace.yaml", "  labels:\n", "  label:\n")
    tree.edit("overlays/pipeline/seldondeployment.yaml", "- name: pipeline", "- name: default")
    assert [error.splitlines()[0] for error in tree.errors()] == [
        "error[schema] base/secrets",
        "error[folder-name] overlays/pipeline",
    ]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("kustomization.yaml", "components:", "component:"),
        ("kustomization.yaml", "resources:", "resources: ["),
        ("node.yaml", "modelDigest: ", "digest: "),
    ],
)
def test_what_breaks_other_kustomizations_too_is_said_once(tree: Copy, file: str, old: str, new: str) -> None:
    tree.edit(f"overlays/postprocessor/{file}", old, new)
    status, said = tree.check()
    assert status == 1
    lines = said.splitlines()
    assert [line.partition(" ")[2] for line in lines if line[:6] == "error["] == ["overlays/postprocessor"]
    assert "not built overlays/pipeline: is made of overlays/postprocessor" in lines
    assert "; overlays/pipeline is made of it" in said
    assert lines[-1] == "1 error in 8 kustomizations"


def test_one_cause_is_one_finding_with_its_places(tree: Copy) -> None:
    shutil.copytree(MANIFESTS / "components", tree.root / "components")
    tree.edit(
        "overlays/model/kustomization.yaml",
        "kind: Kustomization\n",
        "kind: Kustomization\nnamespace: other\n",
    )
    status, said = tree.check()
    assert status == 1
    assert [line for line in said.splitlines() if line.startswith(("error", "  also", "2 "))] == [
        "error[secret-declared] overlays/model",
        "  also overlays/model: Job graph-iris-model-smoke: spec.template.spec.imagePullSecrets[0]",
        "error[secret-declared] overlays/model",
        "2 errors in 21 kustomizations",
    ]


def test_an_image_by_tag_is_one_finding(tree: Copy) -> None:
    tree.edit("base/kustomization.yaml", "    digest: sha256:" + "0" * 64, "    newTag: latest")
    lines = tree.check()[1].splitlines()
    at = lines.index("error[image-digest] overlays/model")
    assert [line.split(":")[0] for line in lines[at + 2 :][:7]] == [
        *["  also overlays/model"] * 3,
        *["  also overlays/pipeline"] * 2,
        "  and in 16 other places",
        "  policy",
    ]
    assert sum(line.startswith("error[image-digest]") for line in lines) == 1


def test_what_the_base_has_too_is_marked_and_fails_nothing(tree: Copy) -> None:
    tree.edit("overlays/postprocessor/node.yaml", "modelDigest: ", "digest: ")
    tree.commit()
    status, said = tree.check(base="HEAD")
    assert status == 0
    (error,) = [line for line in said.splitlines() if line.startswith("error")]
    assert error.startswith("error[shape] overlays/postprocessor (as in HEAD (")
    assert said.endswith("no errors in 8 kustomizations, and 1 that was there before\n")
    tree.edit("overlays/model/kustomization.yaml", "kind: SeldonDeployment", "kind: Seldon")
    status, said = tree.check(base="HEAD")
    assert status == 1
    assert "error[target] overlays/model\n" in said
    assert said.endswith("1 error in 8 kustomizations, and 1 that was there before\n")


def test_a_contract_that_changes_without_its_model_is_an_error(tree: Copy) -> None:
    tree.commit()
    tree.edit("overlays/model/contract.json", '"decision_function"', '"predict_proba"')
    status, said = tree.check(base="HEAD")
    assert status == 1
    assert (
        "error[contract-changed] overlays/model\n  overlays/model/contract.json: methods is another one "
        in said
    )
