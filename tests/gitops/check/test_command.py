from __future__ import annotations

from typing import Any

import pytest

from gitops.check import policies
from gitops.check.policies import FOLDER_POLICIES, TREE_POLICIES
from gitops.check.policy import Policy
from tests.gitops.check.copies import Copy

ALL_POLICIES: tuple[Policy[Any], ...] = (*TREE_POLICIES, *FOLDER_POLICIES)


def test_a_line_for_each_kustomization_that_is_fine(tree: Copy) -> None:
    tree.edit("base/kustomization.yaml", "0" * 64, "0123456789abcdef" * 4)
    assert tree.check() == (
        0,
        "ok base: builds; judged as a part of the overlays\n"
        "ok base/node: builds as a part of overlays/model, overlays/postprocessor, overlays/preprocessor\n"
        "ok overlays/model: SeldonDeployment graph-iris-model\n"
        "ok overlays/pipeline: SeldonDeployment graph-iris-pipeline\n"
        "ok overlays/postprocessor: SeldonDeployment graph-iris-postprocessor\n"
        "ok overlays/preprocessor: SeldonDeployment graph-iris-preprocessor\n",
    )


def test_all_findings_are_listed_and_the_status_is_1(tree: Copy) -> None:
    tree.edit("base/kustomization.yaml", "0" * 64, "0123456789abcdef" * 4)
    tree.append("overlays/model/node.yaml", "  predictMethod: predict_proba\n")
    tree.edit("overlays/pipeline/seldondeployment.yaml", "- name: pipeline", "- name: default")
    status, said = tree.check()
    assert status == 1
    assert [line for line in said.splitlines() if not line.startswith("  ")] == [
        "ok base: builds; judged as a part of the overlays",
        "ok base/node: builds as a part of overlays/model, overlays/postprocessor, overlays/preprocessor",
        "error[node-fields] overlays/model",
        "error[folder-name] overlays/pipeline",
        "ok overlays/postprocessor: SeldonDeployment graph-iris-postprocessor",
        "ok overlays/preprocessor: SeldonDeployment graph-iris-preprocessor",
        "2 errors in 6 kustomizations",
    ]


def test_every_policy_is_listed() -> None:
    modules = [
        getattr(policies, name) for name in dir(policies) if hasattr(getattr(policies, name), "__file__")
    ]
    written = {
        id(value) for module in modules for value in vars(module).values() if isinstance(value, Policy)
    }
    assert written == {id(policy) for policy in ALL_POLICIES}


@pytest.mark.parametrize("policy", ALL_POLICIES, ids=lambda policy: policy.id)
def test_a_policy_has_an_id_of_its_own_and_a_reason_of_one_line(policy: Policy[Any]) -> None:
    assert [other.id for other in ALL_POLICIES].count(policy.id) == 1
    assert ": " in policy.reason
    assert "\n" not in policy.reason
