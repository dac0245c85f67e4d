"""What kustomize is silent about: it builds, with exit status 0, and nothing is changed."""

from __future__ import annotations

from gitops.kustomize import build
from tests.gitops.check.copies import Copy

POLICY = "  policy: A target matches something: kustomize is silent about a patch that changes nothing\n"
FIX = "  fix: correct it or remove it"


def test_a_patch_whose_target_matches_nothing(tree: Copy) -> None:
    tree.edit(
        "overlays/model/kustomization.yaml",
        "target: {kind: SeldonDeployment}",
        "target: {kind: SeldonDeploymen}",
    )
    (rendered,) = build(tree.root / "overlays/model")
    assert "predict_method" not in str(rendered)
    assert tree.errors() == [
        "error[target] overlays/model\n"
        "  overlays/model/kustomization.yaml: patches[0].target {'kind': 'SeldonDeploymen'} matches no object\n"
        f"{POLICY}{FIX}"
    ]


def test_a_replacement_whose_select_matches_nothing(tree: Copy) -> None:
    tree.edit(
        "overlays/pipeline/kustomization.yaml",
        "      - select: {kind: SeldonDeployment, name: graph-iris-pipeline}\n"
        "        fieldPaths: [spec.predictors.0.graph.children.0.parameters]\n",
        "      - select: {kind: SeldonDeployment, name: graph-iris}\n"
        "        fieldPaths: [spec.predictors.0.graph.children.0.parameters]\n",
    )
    (rendered,) = build(tree.root / "overlays/pipeline")
    assert rendered["spec"]["predictors"][0]["graph"]["children"][0]["parameters"] == []
    assert tree.errors() == [
        "error[target] overlays/pipeline\n"
        "  overlays/pipeline/kustomization.yaml: replacements[3].targets[0].select "
        "{'kind': 'SeldonDeployment', 'name': 'graph-iris'} matches no object\n"
        f"{POLICY}{FIX}"
    ]


def test_a_replacement_of_a_component_whose_select_matches_nothing(tree: Copy) -> None:
    file = tree.root / "base/node/kustomization.yaml"
    before, after = file.read_text().split("  - source: {kind: GraphNode, fieldPath: spec.xtype}", 1)
    after = after.replace("{kind: SeldonDeployment}", "{kind: SeldonDeployment, name: node}", 1)
    file.write_text(f"{before}  - source: {{kind: GraphNode, fieldPath: spec.xtype}}{after}")
    (rendered,) = build(tree.root / "overlays/model")
    assert "<xtype>" in str(rendered)
    assert tree.broken("target", "base/node") == [
        "error[target] base/node\n"
        "  base/node/kustomization.yaml: replacements[3].targets[0].select "
        "{'kind': 'SeldonDeployment', 'name': 'node'} matches no object\n"
        f"{POLICY}{FIX}"
    ]
    assert (
        "spec.predictors[0].graph.parameters[1].value is '<xtype>'"
        in tree.broken("placeholder", "overlays/model")[0]
    )


def test_a_replacement_in_a_file_of_its_own(tree: Copy) -> None:
    tree.append("overlays/model/kustomization.yaml", "replacements:\n  - path: labels.yaml\n")
    (tree.root / "overlays/model/labels.yaml").write_text(
        "- source: {kind: GraphNode, fieldPath: spec.node}\n"
        "  targets: [{select: {kind: Deployment}, fieldPaths: [metadata.name]}]\n"
    )
    assert (
        "replacements[0].targets[0].select {'kind': 'Deployment'} matches no object"
        in tree.broken("target", "overlays/model")[0]
    )


def test_an_image_that_occurs_nowhere(tree: Copy) -> None:
    tree.edit("base/kustomization.yaml", "- name: seldon-mlflow-server", "- name: mlflow-server")
    assert tree.broken("target", "base") == [
        "error[target] base\n"
        "  base/kustomization.yaml: images[0].name mlflow-server matches no object\n"
        f"{POLICY}{FIX}"
    ]


def test_a_target_that_only_an_object_which_is_not_rendered_matches_is_fine(tree: Copy) -> None:
    tree.append("overlays/preprocessor/kustomization.yaml", "patches:\n")
    tree.append(
        "overlays/preprocessor/kustomization.yaml",
        "  - target: {kind: GraphNode}\n"
        "    patch: |-\n"
        "      - {op: add, path: /metadata/labels, value: {team: iris}}\n",
    )
    assert tree.errors() == []


def test_the_tree_itself_is_not_touched(tree: Copy) -> None:
    before = {file: file.read_bytes() for file in tree.root.rglob("*") if file.is_file()}
    assert tree.errors() == []
    assert {file: file.read_bytes() for file in tree.root.rglob("*") if file.is_file()} == before
