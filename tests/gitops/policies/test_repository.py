"""The policies on a copy of the repository that one thing is wrong with: what kustomize does not say, the check does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from gitops.manifests.tree import Tree, load
from gitops.policies.evaluation import findings
from gitops.policies.policy import Violation, policy
from tests.gitops.policies.copies import Copy
from tests.project import MANIFESTS

TARGET = "  policy: A target matches something: kustomize is silent about a patch that changes nothing\n"
TARGET_FIX = "  fix: correct it or remove it"


def test_nothing_is_wrong_with_the_repository() -> None:
    assert Copy(MANIFESTS).errors() == []


def test_nothing_is_wrong_with_it_before_the_first_release(tree: Copy) -> None:
    assert tree.errors() == []


def test_the_tree_itself_is_not_touched(tree: Copy) -> None:
    before = {file: file.read_bytes() for file in tree.root.rglob("*") if file.is_file()}
    assert tree.errors() == []
    assert {file: file.read_bytes() for file in tree.root.rglob("*") if file.is_file()} == before


def test_an_overlay_that_forgets_the_component_keeps_the_placeholders(tree: Copy) -> None:
    tree.edit("overlays/preprocessor/kustomization.yaml", "components:\n  - ../../base/node\n", "")
    placeholders = tree.broken("placeholder", "overlays/preprocessor")
    assert {error.splitlines()[1].partition(": ")[2] for error in placeholders} >= {
        "metadata.name is '<deployment>'",
        "spec.predictors[0].name is '<node>'",
        "spec.predictors[0].graph.name is '<node>'",
        "spec.predictors[0].graph.type is '<type>'",
        "spec.predictors[0].graph.parameters[1].value is '<xtype>'",
        "spec.predictors[0].componentSpecs[0].spec.initContainers[0].name is '<node>-initializer'",
        "spec.predictors[0].componentSpecs[0].spec.initContainers[0].args[1] is '<modelUri>'",
        "spec.predictors[0].componentSpecs[0].spec.initContainers[0].args[4] is '<modelDigest>'",
        "spec.predictors[0].componentSpecs[0].spec.initContainers[1].name is '<node>-environment'",
        "spec.predictors[0].componentSpecs[0].spec.containers[0].name is '<node>'",
        "spec.predictors[0].componentSpecs[0].spec.containers[0].env[0].value is '<type>'",
    }


def test_a_graph_whose_node_deploys_under_another_name(tree: Copy) -> None:
    tree.edit("overlays/model/node.yaml", "deployment: graph-iris-model", "deployment: iris")
    (error,) = tree.broken("build", "overlays/pipeline")
    assert error.splitlines()[-1] == (
        "  fix: it names deployments of the overlays that it is composed of, and none of them is graph-iris-model: "
        "overlays/preprocessor deploys as graph-iris-preprocessor, overlays/postprocessor deploys as "
        "graph-iris-postprocessor, overlays/model deploys as iris; write the name that it has now wherever "
        "overlays/pipeline has graph-iris-model, or change spec.deployment in its node.yaml back"
    )


def test_a_tree_without_overlays(tree: Copy) -> None:
    shutil.copytree(MANIFESTS / "components", tree.root / "components")
    shutil.rmtree(tree.root / "overlays")
    status, said = tree.check()
    assert status == 0, said
    assert (
        "not built components/gateway: no overlay is there that it could be tried upon (`make new-overlay NAME=…`)\n"
        in said
    )


@pytest.mark.long
def test_an_identity_of_the_documentation_is_no_fault_before_it_is_used(tree: Copy) -> None:
    shutil.copytree(MANIFESTS / "components", tree.root / "components")
    assert [error for error in tree.errors() if "[identity-value]" in error] == []
    tree.edit(
        "overlays/model/kustomization.yaml",
        "  - ../../base/node\n",
        "  - ../../base/node\n  - ../../components/workload-identity-azure\n",
    )
    found = tree.broken("identity-value", "overlays/model")
    assert [error.splitlines()[1].partition(".env")[2].partition(": must")[0] for error in found] == [
        "[2]: AZURE_STORAGE_ACCOUNT_NAME is 'your-account'",
        "[3]: AZURE_CLIENT_ID is '00000000-0000-0000-0000-000000000000'",
        "[4]: AZURE_TENANT_ID is '00000000-0000-0000-0000-000000000000'",
    ]


def test_a_graph_that_renders_its_sources_too(tree: Copy) -> None:
    tree.edit(
        "overlays/pipeline/kustomization.yaml",
        "name: (graph-iris-preprocessor|graph-iris-postprocessor|graph-iris-model)",
        "name: (graph-iris-preprocessor|graph-iris-postprocessor)",
    )
    (error,) = tree.broken("one-deployment", "overlays/pipeline")
    assert "  overlay pipeline: renders 2 SeldonDeployments: graph-iris-model" in error


def test_a_folder_that_is_named_otherwise_than_its_node(tree: Copy) -> None:
    (tree.root / "overlays/model").rename(tree.root / "overlays/classifier")
    tree.edit("overlays/pipeline/kustomization.yaml", "  - ../model", "  - ../classifier")
    policy = "  policy: An overlay's folder, predictor and node have one name: one word per thing\n"
    fix = "  fix: name it classifier, or rename the folder"
    assert tree.errors() == [
        f"error[folder-name] overlays/classifier\n  {owner}: {value}\n{policy}{fix}"
        for owner, value in [
            ("SeldonDeployment graph-iris-model", "spec.predictors[0].name is 'model'"),
            ("SeldonDeployment graph-iris-model", "spec.predictors[0].graph.name is 'model'"),
            ("GraphNode model", "metadata.name is 'model'"),
            ("GraphNode model", "spec.node is 'model'"),
        ]
    ]


def test_an_image_by_tag_in_the_base_is_found_in_every_container(tree: Copy) -> None:
    tree.edit("base/kustomization.yaml", "    digest: sha256:" + "0" * 64, "    newTag: latest")
    found = [error.splitlines()[1].split()[2] for error in tree.broken("image-digest", "overlays/model")]
    pod = "spec.predictors[0].componentSpecs[0].spec"
    assert sorted(found) == [
        f"{pod}.containers[0].image",
        f"{pod}.initContainers[0].image",
        f"{pod}.initContainers[1].image",
        "spec.template.spec.containers[0].image",
    ]


def test_a_patch_whose_target_matches_nothing(tree: Copy) -> None:
    tree.edit(
        "overlays/model/kustomization.yaml",
        "target: {kind: SeldonDeployment}",
        "target: {kind: SeldonDeploymen}",
    )
    assert "predict_method" not in str(tree.deployment("model"))
    assert tree.errors() == [
        "error[target] overlays/model\n"
        "  overlays/model/kustomization.yaml: patches[0].target {'kind': 'SeldonDeploymen'} matches no object\n"
        f"{TARGET}{TARGET_FIX}"
    ]


def test_a_replacement_whose_select_matches_nothing(tree: Copy) -> None:
    file = tree.root / "base/node/kustomization.yaml"
    before, after = file.read_text().split("  - source: {kind: GraphNode, fieldPath: spec.xtype}", 1)
    after = after.replace("{kind: SeldonDeployment}", "{kind: SeldonDeployment, name: node}", 1)
    file.write_text(f"{before}  - source: {{kind: GraphNode, fieldPath: spec.xtype}}{after}")
    assert "<xtype>" in str(tree.deployment("model"))
    assert tree.broken("target", "base/node") == [
        "error[target] base/node\n"
        "  base/node/kustomization.yaml: replacements[4].targets[0].select "
        "{'kind': 'SeldonDeployment', 'name': 'node'} matches no object\n"
        f"{TARGET}{TARGET_FIX}"
    ]


def test_a_target_that_only_an_object_which_is_not_rendered_matches_is_fine(tree: Copy) -> None:
    tree.append(
        "overlays/preprocessor/kustomization.yaml",
        "patches:\n"
        "  - target: {kind: GraphNode}\n"
        "    patch: |-\n"
        "      - {op: add, path: /metadata/annotations/team, value: iris}\n",
    )
    assert tree.errors() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"resources: [\n", "overlays/pipeline/kustomization.yaml:2: did not find expected node content"),
        (
            b"resources: []\n# \xff\n",
            "overlays/pipeline/kustomization.yaml:2: the byte 0xff is no UTF-8; save the file as UTF-8",
        ),
        (
            b"\xff\xfer\x00",
            "overlays/pipeline/kustomization.yaml:1: the byte 0xff is no UTF-8; save the file as UTF-8",
        ),
    ],
    ids=["no-yaml", "no-utf-8", "utf-16"],
)
def test_a_kustomization_that_cannot_be_read_is_a_finding_and_hides_no_other(
    tree: Copy, content: bytes, said: str
) -> None:
    (tree.root / "overlays/pipeline/kustomization.yaml").write_bytes(content)
    tree.edit("overlays/model/node.yaml", "type: MODEL", "type: TRANSFORMER")
    error, *others = tree.errors()
    assert error.startswith(
        f"error[build] overlays/pipeline\n  kustomization: kustomize build overlays/pipeline: {said}"
    )
    assert others == []


def test_an_image_without_a_name_is_a_finding(tree: Copy) -> None:
    tree.append("overlays/model/kustomization.yaml", "images: [{newTag: x}]\n")
    assert [error.splitlines()[:2] for error in tree.errors()] == [
        [
            "error[target] overlays/model",
            "  overlays/model/kustomization.yaml: images[0].name none matches no object",
        ]
    ]


def test_a_policy_that_fails_is_a_finding_and_the_others_judge_on(tree: Copy) -> None:
    def broken(tree: Tree) -> Iterator[Violation]:
        """It cannot judge."""
        raise KeyError("name")

    found = list(findings(load(tree.root), [], [policy(broken), policy(seen)], []))
    assert [str(finding) for finding in found] == [
        "error[broken] .\n"
        "  policy broken: cannot judge this: KeyError: 'name'\n"
        "  policy: It cannot judge\n"
        "  fix: correct what is unusual there, and report this as a fault of the check",
        "error[seen] base\n  base: is seen\n  policy: Everything is seen\n  fix: nothing",
    ]


def seen(tree: Tree) -> Iterator[Violation]:
    """Everything is seen."""
    yield Violation("base", "is seen", "nothing", "base")


def test_a_component_is_tried_upon_an_overlay(tree: Copy) -> None:
    (tree.root / "components/replicas").mkdir(parents=True)
    (tree.root / "components/replicas/kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1alpha1\n"
        "kind: Component\n"
        "patches:\n"
        "  - target: {kind: SeldonDeployment}\n"
        "    patch: |-\n"
        "      - {op: replace, path: /spec/predictors/0/replicas, value: two}\n"
    )
    assert tree.errors() == [
        "error[shape] components/replicas\n"
        "  kustomization: tried upon overlays/pipeline: SeldonDeployment graph-iris-pipeline: "
        "spec.predictors[0].replicas is 'two': must be a whole number\n"
        "  policy: Every object has the shape of its kind: the API server refuses any other\n"
        "  fix: correct the value at this path"
    ]
    tree.edit("components/replicas/kustomization.yaml", "value: two", "value: 2")
    (line,) = [line for line in tree.check()[1].splitlines() if "components/replicas" in line]
    assert line.startswith("ok components/replicas: builds upon overlays/model: ")
    assert line.endswith("SeldonDeployment graph-iris-model")


def test_a_submodule_below_overlays_is_a_finding(tree: Copy) -> None:
    commit = 40 * "1"
    for arguments in (
        ["init", "--quiet"],
        ["update-index", "--add", "--cacheinfo", f"160000,{commit},overlays/vendor"],
    ):
        subprocess.run(["git", "-C", tree.root, *arguments], check=True)
    assert [error.splitlines()[1] for error in tree.broken("submodule", "overlays")] == [
        "  overlays/vendor: is a submodule of git"
    ]


@pytest.mark.parametrize("name", ["tests", ".hidden"])
def test_an_overlay_of_any_name_is_rendered(tree: Copy, name: str) -> None:
    shutil.copytree(tree.root / "overlays/model", tree.root / "overlays" / name)
    assert load(tree.root).rendered[f"overlays/{name}"].overlay == name
    found = tree.broken("folder-name", f"overlays/{name}")
    assert f"fix: name it {name}, or rename the folder" in found[0]
