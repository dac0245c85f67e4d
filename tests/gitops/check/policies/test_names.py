from __future__ import annotations

from tests.gitops.check.copies import Copy

POD = "spec.predictors[0].componentSpecs[0].spec"


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


def test_a_graph_whose_predictor_is_named_otherwise_than_its_folder(tree: Copy) -> None:
    tree.edit("overlays/pipeline/seldondeployment.yaml", "- name: pipeline", "- name: default")
    assert tree.errors() == [
        "error[folder-name] overlays/pipeline\n"
        "  SeldonDeployment graph-iris-pipeline: spec.predictors[0].name is 'default'\n"
        "  policy: An overlay's folder, predictor and node have one name: one word per thing\n"
        "  fix: name it pipeline, or rename the folder"
    ]


def test_a_deployment_that_is_named_otherwise_than_in_node_yaml(tree: Copy) -> None:
    tree.append("overlays/preprocessor/kustomization.yaml", "nameSuffix: -next\n")
    assert tree.broken("deployment-name", "overlays/preprocessor") == [
        "error[deployment-name] overlays/preprocessor\n"
        "  SeldonDeployment graph-iris-preprocessor-next: metadata.name is 'graph-iris-preprocessor-next'\n"
        "  policy: The SeldonDeployment is named by node.yaml: its Application has the same name\n"
        "  fix: node.yaml says deployment: graph-iris-preprocessor; let the replacement of base/node fill it"
    ]


def test_a_graph_node_without_container(tree: Copy) -> None:
    tree.edit("overlays/pipeline/seldondeployment.yaml", "- name: postprocessor", "- name: scaler")
    assert tree.errors() == [
        "error[node-container] overlays/pipeline\n"
        "  SeldonDeployment graph-iris-pipeline: spec.predictors[0].graph.children[0].name is 'scaler', "
        "the containers are preprocessor, postprocessor, model\n"
        "  policy: Every graph node has one container of its name: Seldon finds it by the name\n"
        "  fix: give one componentSpec a container of the name scaler"
    ]


def test_an_init_container_that_is_not_named_by_its_node(tree: Copy) -> None:
    tree.patch(
        "preprocessor",
        "/spec/predictors/0/componentSpecs/0/spec/initContainers/1/name",
        "node-environment",
    )
    policy = "  policy: Init containers are named by their node: <node>-initializer, <node>-environment\n"
    assert tree.broken("init-container-name", "overlays/preprocessor") == [
        "error[init-container-name] overlays/preprocessor\n"
        f"  SeldonDeployment graph-iris-preprocessor: {POD}.initContainers[1].name is 'node-environment'\n"
        f"{policy}"
        "  fix: let it begin with preprocessor-, the name of the pod's node",
        "error[init-container-name] overlays/preprocessor\n"
        f"  SeldonDeployment graph-iris-preprocessor: {POD}.initContainers are "
        "preprocessor-initializer, node-environment\n"
        f"{policy}"
        "  fix: add preprocessor-environment: without it the server finds no model or no environment",
    ]


def test_a_pod_without_init_containers(tree: Copy) -> None:
    tree.patch("preprocessor", "/spec/predictors/0/componentSpecs/0/spec/initContainers", "[]")
    missing = tree.broken("init-container-name", "overlays/preprocessor")
    assert [error.splitlines()[1].rpartition(".")[2] for error in missing] == ["initContainers are none"] * 2


def test_a_service_type_that_is_not_the_nodes_type(tree: Copy) -> None:
    tree.edit("overlays/pipeline/seldondeployment.yaml", "type: OUTPUT_TRANSFORMER", "type: TRANSFORMER")
    assert tree.errors() == [
        "error[service-type] overlays/pipeline\n"
        "  SeldonDeployment graph-iris-pipeline: spec.predictors[0].componentSpecs[1].spec.containers[0].env: "
        "SERVICE_TYPE is 'OUTPUT_TRANSFORMER', the node's type 'TRANSFORMER'\n"
        "  policy: SERVICE_TYPE is the node's type in the graph: the server answers by it\n"
        "  fix: set both by type in node.yaml, which base/node fills in"
    ]


def test_a_container_without_service_type(tree: Copy) -> None:
    tree.patch("model", "/spec/predictors/0/componentSpecs/0/spec/containers/0/env", "[]")
    assert (
        f"{POD}.containers[0].env: SERVICE_TYPE is None, the node's type 'MODEL'"
        in tree.broken("service-type", "overlays/model")[0]
    )


def test_a_variable_that_the_operator_sets(tree: Copy) -> None:
    tree.patch(
        "model",
        "/spec/predictors/0/componentSpecs/0/spec/containers/0/env/1",
        '{name: PREDICTIVE_UNIT_HTTP_SERVICE_PORT, value: "8080"}',
    )
    assert tree.broken("operator-env", "overlays/model") == [
        "error[operator-env] overlays/model\n"
        f"  SeldonDeployment graph-iris-model: {POD}.containers[0].env[1].name is "
        "'PREDICTIVE_UNIT_HTTP_SERVICE_PORT'\n"
        "  policy: What the operator sets is not set by hand: a name or port of its own would win\n"
        "  fix: remove it; parameters belong in the graph, ports are the operator's"
    ]
