"""docs/canaries.md: what the page says of a second predictor, of the same model and of another one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.gitops.policies.copies import Copy

FILE = "overlays/model/kustomization.yaml"
ARGUMENTS = "/spec/predictors/1/componentSpecs/0/spec/initContainers/0/args"
COPIED = [
    {"op": "copy", "from": "/spec/predictors/0", "path": "/spec/predictors/1"},
    {"op": "replace", "path": "/spec/predictors/1/name", "value": "canary"},
    {"op": "add", "path": "/spec/predictors/0/traffic", "value": 90},
    {"op": "add", "path": "/spec/predictors/1/traffic", "value": 10},
]


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ([], []),
        ([{"op": "replace", "path": f"{ARGUMENTS}/1", "value": "s3://models/churn/9"}], ["node-values"]),
    ],
    ids=["the-same-model", "another-model"],
)
def test_a_predictor_of_the_same_model_passes_and_of_another_is_refused(
    tree: Copy, more: list[dict[str, Any]], refused: list[str]
) -> None:
    kustomization = yaml.safe_load((tree.root / FILE).read_text())
    kustomization["patches"] += [{"target": {"kind": "SeldonDeployment"}, "patch": json.dumps(COPIED + more)}]
    (tree.root / FILE).write_text(yaml.safe_dump(kustomization))
    status, said = tree.check()
    assert status == (1 if refused else 0), said
    found = [
        line.partition("[")[2].partition("]")[0] for line in said.splitlines() if line.startswith("error[")
    ]
    assert sorted({*found}) == refused
