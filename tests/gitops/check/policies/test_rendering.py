from __future__ import annotations

from tests.gitops.check.copies import Copy


def test_an_overlay_that_forgets_the_component_keeps_the_placeholders(tree: Copy) -> None:
    tree.edit("overlays/preprocessor/kustomization.yaml", "components:\n  - ../../base/node\n", "")
    placeholders = tree.broken("placeholder", "overlays/preprocessor")
    assert placeholders[0] == (
        "error[placeholder] overlays/preprocessor\n"
        "  SeldonDeployment <deployment>: metadata.name is '<deployment>'\n"
        "  policy: No placeholder of the base is left: kustomize is silent where it fills nothing\n"
        "  fix: use the component base/node and a node.yaml, and let a replacement fill <deployment> at this path"
    )
    assert {error.splitlines()[1].partition(": ")[2] for error in placeholders} == {
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


def test_a_placeholder_that_no_replacement_fills(tree: Copy) -> None:
    tree.edit(
        "base/seldondeployment.yaml",
        "      replicas: 1\n",
        "      replicas: 1\n      labels: {team: <team>}\n",
    )
    assert tree.broken("placeholder", "overlays/model") == [
        "error[placeholder] overlays/model\n"
        "  SeldonDeployment graph-iris-model: spec.predictors[0].labels.team is '<team>'\n"
        "  policy: No placeholder of the base is left: kustomize is silent where it fills nothing\n"
        "  fix: use the component base/node and a node.yaml, and let a replacement fill <team> at this path"
    ]


def test_a_graph_that_renders_its_sources_too(tree: Copy) -> None:
    tree.edit(
        "overlays/pipeline/kustomization.yaml",
        "name: graph-iris-(preprocessor|postprocessor|model)",
        "name: graph-iris-(preprocessor|postprocessor)",
    )
    assert tree.broken("one-deployment", "overlays/pipeline") == [
        "error[one-deployment] overlays/pipeline\n"
        "  overlay pipeline: renders 2 SeldonDeployments: graph-iris-model, graph-iris-pipeline\n"
        "  policy: An overlay renders one SeldonDeployment: it is one Application\n"
        "  fix: keep one, and mark those that are only sources of replacements with the annotation "
        'config.kubernetes.io/local-config: "true"'
    ]


def test_an_overlay_that_renders_none(tree: Copy) -> None:
    (tree.root / "overlays/empty").mkdir()
    (tree.root / "overlays/empty/kustomization.yaml").write_text(
        "kind: Kustomization\nresources: [map.yaml]\n"
    )
    (tree.root / "overlays/empty/map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n"
    )
    assert (
        "overlay empty: renders 0 SeldonDeployments\n" in tree.broken("one-deployment", "overlays/empty")[0]
    )


def test_an_object_without_namespace(tree: Copy) -> None:
    tree.edit("overlays/pipeline/kustomization.yaml", "namespace: seldon\n", "")
    assert tree.errors() == [
        "error[namespace] overlays/pipeline\n"
        "  SeldonDeployment graph-iris-pipeline: has no metadata.namespace\n"
        "  policy: An object names its namespace: it must not depend on who applies it\n"
        "  fix: set namespace in the overlay's kustomization.yaml"
    ]


def test_a_kustomization_that_does_not_build(tree: Copy) -> None:
    tree.edit("overlays/postprocessor/node.yaml", "  xtype: DataFrame\n", "")
    (tree.root / "overlays/postprocessor/node.yaml").write_text("kind: GraphNode\n")
    error = tree.broken("shape", "overlays/postprocessor")[0]
    assert (
        f"{tree.root}/overlays/postprocessor/node.yaml: metadata.name is nothing: must be a string" in error
    )
    broken = tree.broken("build", "overlays/pipeline")[0]
    assert broken.startswith(
        "error[build] overlays/pipeline\n"
        f"  kustomization: kustomize build {tree.root}/overlays/pipeline: Error: accumulating resources"
    )
    assert broken.endswith(
        "\n  policy: Every kustomization builds: Argo CD renders it in the same way\n"
        "  fix: correct what kustomize names"
    )


def test_a_kustomization_that_is_no_yaml_is_reported_in_kustomizes_words(tree: Copy) -> None:
    (tree.root / "overlays/pipeline/kustomization.yaml").write_text("resources: [\n")
    (error,) = tree.errors()
    assert error.startswith("error[build] overlays/pipeline\n  kustomization: kustomize build ")
    assert "invalid Kustomization" in error


def test_an_object_of_a_shape_that_its_kind_does_not_have(tree: Copy) -> None:
    tree.edit("overlays/pipeline/seldondeployment.yaml", "      replicas: 1\n", "      replicas: one\n")
    assert tree.errors() == [
        "error[shape] overlays/pipeline\n"
        "  kustomization: SeldonDeployment graph-iris-pipeline: spec.predictors[0].replicas is 'one': "
        "must be a whole number\n"
        "  policy: Every object has the shape of its kind: the API server refuses any other\n"
        "  fix: correct the value at this path"
    ]


def test_a_folder_of_overlays_without_kustomization(tree: Copy) -> None:
    (tree.root / "overlays/forgotten").mkdir()
    assert tree.errors() == [
        "error[overlay] overlays/forgotten\n"
        "  overlay forgotten: has no kustomization.yaml\n"
        "  policy: A folder of overlays/ is a kustomization: what does not build is not checked\n"
        "  fix: add one or remove the folder"
    ]


def test_a_component_that_nothing_uses(tree: Copy) -> None:
    (tree.root / "components/cache").mkdir(parents=True)
    (tree.root / "components/cache/kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    )
    assert tree.errors() == [
        "error[component] components/cache\n"
        "  component components/cache: is used by no kustomization\n"
        "  policy: A component is used: it builds only as a part of what uses it, so nothing else checks it\n"
        "  fix: use it or remove it"
    ]
