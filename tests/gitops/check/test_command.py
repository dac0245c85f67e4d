from __future__ import annotations

from typing import Any

import pytest

from gitops.check import rules
from gitops.check.rule import Rule
from gitops.check.rules import FOLDER_RULES, TREE_RULES
from tests.gitops.check.copies import Copy

ALL_RULES: tuple[Rule[Any], ...] = (*TREE_RULES, *FOLDER_RULES)


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


def test_every_rule_is_listed() -> None:
    modules = [getattr(rules, name) for name in dir(rules) if hasattr(getattr(rules, name), "__file__")]
    written = {id(value) for module in modules for value in vars(module).values() if isinstance(value, Rule)}
    assert written == {id(rule) for rule in ALL_RULES}


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
def test_a_rule_has_an_id_of_its_own_and_a_reason_of_one_line(rule: Rule[Any]) -> None:
    assert [other.id for other in ALL_RULES].count(rule.id) == 1
    assert ": " in rule.reason
    assert "\n" not in rule.reason
