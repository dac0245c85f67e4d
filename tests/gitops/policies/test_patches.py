"""A strategic merge patch that replaces lists: what `make check` writes in its place renders what the patch means."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.gitops.policies.copies import Copy

FILE = "overlays/model/kustomization.yaml"
HEAD = (
    "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: graph-iris-model}\n"
)
CACHE = "components: [../../base/node, ../../components/environment-cache]"
# The fix of a finding, from its entry of patches on.
PASTED = re.compile(r"^  fix: write this under patches in its place [^\n]*\n((?:  [^\n]*\n)+)", re.MULTILINE)


def entry(content: dict[str, Any]) -> str:
    """Return a strategic merge patch as an entry of patches."""
    text = HEAD + yaml.safe_dump(content)
    return "  - patch: |-\n" + "".join(f"      {line}\n" for line in text.splitlines())


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"predictors": [{"name": "model", "componentSpecs": [{"spec": spec}]}]}}


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "model", **fields}])


def replicas(predictor: dict[str, Any], spec: dict[str, Any]) -> None:
    predictor["replicas"] = 3


def resources(predictor: dict[str, Any], spec: dict[str, Any]) -> None:
    spec["containers"][0]["resources"]["requests"]["cpu"] = "2"
    spec["containers"][0]["resources"]["limits"] = {"memory": "4Gi", "nvidia.com/gpu": 1}


def environment(predictor: dict[str, Any], spec: dict[str, Any]) -> None:
    variables = spec["containers"][0]["env"]
    variables[1] = {"name": "HOME", "value": "/home"}
    variables[2] = {"name": "SERVER_CPU_REQUEST", "value": "500"}
    variables += [{"name": "LOG_LEVEL", "value": "DEBUG"}, {"name": "OTHER", "value": "1"}]


def placement(predictor: dict[str, Any], spec: dict[str, Any]) -> None:
    spec |= {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "gpu", "operator": "Exists"}]}
    spec["affinity"] = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}


def annotations(predictor: dict[str, Any], spec: dict[str, Any]) -> None:
    predictor["annotations"]["seldon.io/rest-timeout"] = "1000"


def volumes(predictor: dict[str, Any], spec: dict[str, Any]) -> None:
    spec["volumes"][2]["emptyDir"]["sizeLimit"] = "2Gi"
    spec["volumes"][1] = {"name": "environment", "emptyDir": {"sizeLimit": "9Gi"}}
    spec["volumes"] += [{"name": "data", "emptyDir": {}}]
    spec["containers"][0]["volumeMounts"] += [{"name": "data", "mountPath": "/data"}]


def removal(predictor: dict[str, Any], spec: dict[str, Any]) -> None:
    spec["containers"][0]["env"] = []
    del predictor["progressDeadlineSeconds"]


def sidecar(predictor: dict[str, Any], spec: dict[str, Any]) -> None:
    spec["containers"] += [{"name": "log", "image": "registry/log"}]


CASES: list[tuple[dict[str, Any], Callable[[dict[str, Any], dict[str, Any]], None]]] = [
    ({"spec": {"predictors": [{"name": "model", "replicas": 3}]}}, replicas),
    ({"spec": {"predictors": [{"replicas": 3}]}}, replicas),
    (
        container(resources={"requests": {"cpu": "2"}, "limits": {"memory": "4Gi", "nvidia.com/gpu": 1}}),
        resources,
    ),
    (
        container(
            env=[
                {"name": "HOME", "value": "/home"},
                {"name": "LOG_LEVEL", "value": "DEBUG"},
                {"name": "OTHER", "value": "1"},
                {"name": "SERVER_CPU_REQUEST", "value": "500"},
            ]
        ),
        environment,
    ),
    (
        pod(
            nodeSelector={"disk": "ssd"},
            tolerations=[{"key": "gpu", "operator": "Exists"}],
            affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        ),
        placement,
    ),
    (
        {"spec": {"predictors": [{"name": "model", "annotations": {"seldon.io/rest-timeout": "1000"}}]}},
        annotations,
    ),
    (
        pod(
            containers=[{"name": "model", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
            volumes=[
                {"name": "data", "emptyDir": {}},
                {"name": "environment", "emptyDir": {"sizeLimit": "9Gi"}},
                {"name": "tmp", "emptyDir": {"sizeLimit": "2Gi"}},
            ],
        ),
        volumes,
    ),
    (
        {
            "spec": {
                "predictors": [
                    {
                        "name": "model",
                        "progressDeadlineSeconds": None,
                        "componentSpecs": [
                            {
                                "spec": {
                                    "containers": [
                                        {
                                            "name": "model",
                                            "env": [
                                                {"name": name, "$patch": "delete"}
                                                for name in (
                                                    "HOME",
                                                    "SERVICE_TYPE",
                                                    "SERVER_CPU_REQUEST",
                                                    "POD_NAMESPACE",
                                                )
                                            ],
                                        }
                                    ]
                                }
                            }
                        ],
                    }
                ]
            }
        },
        removal,
    ),
    (pod(containers=[{"name": "log", "image": "registry/log"}, {"name": "model"}]), sidecar),
]


def write_component(tree: Copy, content: dict[str, Any]) -> None:
    """Make a component of a strategic merge patch of every SeldonDeployment."""
    patch = entry(content).replace("  - patch", "  - target: {kind: SeldonDeployment}\n    patch")
    folder = tree.root / "components/replicas"
    folder.mkdir(parents=True)
    text = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n"
    (folder / "kustomization.yaml").write_text(text + patch)


def pasted(tree: Copy, folder: str = "overlays/model") -> str:
    """Return what the one finding says to write instead, indented as it is printed."""
    (found,) = tree.broken("merge-patch", folder)
    match = PASTED.search(found + "\n")
    assert match, found
    return match[1]


@pytest.mark.parametrize(("content", "change"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_the_pasted_operations_render_what_the_patch_means(
    content: dict[str, Any], change: Callable[[dict[str, Any], dict[str, Any]], None], tree: Copy
) -> None:
    expected = copy.deepcopy(tree.deployment("model"))
    predictor = expected["spec"]["predictors"][0]
    change(predictor, predictor["componentSpecs"][0]["spec"])
    before = (tree.root / FILE).read_text()
    tree.append(FILE, entry(content))
    text = pasted(tree)
    (tree.root / FILE).write_text(before + text)
    assert tree.deployment("model") == expected
    assert tree.broken("merge-patch", "overlays/model") == []


def test_the_patch_in_front_of_others_is_worked_out_without_it(tree: Copy) -> None:
    tree.edit(FILE, "patches:\n", "patches:\n" + entry(CASES[0][0]))
    text = pasted(tree)
    tree.edit(FILE, entry(CASES[0][0]), text)
    assert tree.deployment("model")["spec"]["predictors"][0]["replicas"] == 3
    assert tree.check()[0] == 0


def test_a_graph_is_patched_by_the_name_that_it_has_before_its_suffix(tree: Copy) -> None:
    file = "overlays/pipeline/kustomization.yaml"
    patch = entry(CASES[1][0]).replace("graph-iris-model", "graph-iris")
    tree.edit(file, "patches:\n", f"patches:\n{patch}")
    text = pasted(tree, "overlays/pipeline")
    assert "target: {kind: SeldonDeployment, name: graph-iris}" in text
    tree.edit(file, patch, text)
    assert tree.deployment("pipeline")["spec"]["predictors"][0]["replicas"] == 3


def test_a_pod_of_a_graph_is_patched_where_it_comes_from(tree: Copy) -> None:
    content = container(resources={"limits": {"memory": "4Gi"}})
    del content["spec"]["predictors"][0]["name"]
    text = entry(content).replace("graph-iris-model", "graph-iris")
    tree.edit("overlays/pipeline/kustomization.yaml", "patches:\n", f"patches:\n{text}")
    (found,) = tree.broken("merge-patch", "overlays/pipeline")
    assert "componentSpecs[0] is named model: patch it where it comes from" in found


def test_it_is_the_only_error_and_what_is_made_of_it_is_not_judged(tree: Copy) -> None:
    tree.append(FILE, entry(CASES[0][0]))
    status, said = tree.check()
    assert status == 1
    assert [line for line in said.splitlines() if line.startswith(("error", "not ", "1 "))] == [
        "error[merge-patch] overlays/model",
        "not built overlays/pipeline: is made of overlays/model",
        "1 error in 8 kustomizations",
    ]


def test_a_name_that_is_not_there_is_said_by_the_build(tree: Copy) -> None:
    tree.append(FILE, entry(CASES[0][0]).replace("graph-iris-model", "model"))
    found = [error for error in tree.errors() if error.startswith("error[build] overlays/model\n")]
    assert "no resource matches strategic merge patch" in found[0]


def test_a_deployment_that_is_only_a_source_is_worked_out_too(tree: Copy) -> None:
    file = "overlays/pipeline/kustomization.yaml"
    patch = entry(container(resources={"limits": {"memory": "4Gi"}}))
    tree.edit(file, "patches:\n", f"patches:\n{patch}")
    tree.edit(file, patch, pasted(tree, "overlays/pipeline"))
    specs = tree.deployment("pipeline")["spec"]["predictors"][0]["componentSpecs"]
    assert [spec["spec"]["containers"][0]["resources"]["limits"]["memory"] for spec in specs] == [
        "1Gi",
        "1Gi",
        "4Gi",
    ]


def test_what_a_component_breaks_is_said_of_the_component(tree: Copy) -> None:
    write_component(tree, {"spec": {"predictors": [{"replicas": 3}]}})
    tree.edit(FILE, "  - ../../base/node\n", "  - ../../base/node\n  - ../../components/replicas\n")
    status, said = tree.check()
    assert status == 1
    assert [line for line in said.splitlines() if line.startswith(("error", "not ", "1 "))] == [
        "error[merge-patch] components/replicas",
        "not built overlays/model: is made of components/replicas",
        "not built overlays/pipeline: is made of components/replicas",
        "1 error in 9 kustomizations",
    ]


def test_what_still_has_its_shape_is_judged_on(tree: Copy) -> None:
    predictor = copy.deepcopy(tree.deployment("model")["spec"]["predictors"][0])
    del predictor["annotations"]
    del predictor["componentSpecs"][0]["spec"]["containers"][0]["securityContext"]["capabilities"]
    text = entry({"spec": {"predictors": [predictor]}})
    tree.append(FILE, text.replace("  - patch:", "  - target: {kind: SeldonDeployment}\n    patch:"))
    found = [error.splitlines()[0] for error in tree.errors()]
    assert "error[merge-patch] overlays/model" in found
    assert "error[capabilities] overlays/model" in found


def test_a_component_that_nothing_uses_is_worked_out_upon_an_overlay(tree: Copy) -> None:
    write_component(tree, {"spec": {"predictors": [{"replicas": 3}]}})
    assert "{op: replace, path: /spec/predictors/0/replicas, value: 3}" in pasted(tree, "components/replicas")


def test_a_graph_that_says_no_name_of_several_is_corrected_first(tree: Copy) -> None:
    tree.append(FILE, entry(pod(initContainers=[{"resources": {"limits": {"memory": "4Gi"}}}])))
    (found,) = tree.errors()
    assert (
        "spec.predictors.0.componentSpecs.0.spec.initContainers[0] has no name: must be one of model-initializer, "
        "model-environment" in found
    )
    assert "fix: correct that, and write it as JSON6902 operations (docs/overlays.md)" in found
