from __future__ import annotations

import re

import pytest

from tests.gitops.check.copies import Copy

ARGS = "spec.predictors[0].componentSpecs[0].spec.initContainers[0].args"


@pytest.mark.parametrize(
    "digest",
    ["sha256:" + "0" * 64, "sha256:" + "a" * 64, "sha256:abc", "latest", "sha256:" + "0123456789ABCDEF" * 4],
    ids=["zeros", "one digit", "short", "word", "capitals"],
)
def test_a_model_digest_that_is_none(tree: Copy, digest: str) -> None:
    file = tree.root / "overlays/model/node.yaml"
    file.write_text(re.sub("modelDigest: .*", f"modelDigest: {digest}", file.read_text()))
    assert tree.broken("model-digest", "overlays/model") == [
        "error[model-digest] overlays/model\n"
        f"  SeldonDeployment graph-iris-model: {ARGS} pin s3://mlflow/artifacts/iris_svm_model by {digest}\n"
        "  policy: A model is pinned by its content's digest: fetch refuses any other bytes\n"
        "  fix: set modelDigest in node.yaml to what `python -m server inspect` prints for the model"
    ]
    assert tree.broken("model-digest", "overlays/pipeline")


def test_a_fetch_without_digest(tree: Copy) -> None:
    tree.patch(
        "model",
        "/spec/predictors/0/componentSpecs/0/spec/initContainers/0/args",
        "[fetch, s3://a/b, /mnt/models]",
    )
    assert f"{ARGS} pin s3://a/b by no digest" in tree.broken("model-digest", "overlays/model")[0]


def test_a_field_of_node_yaml_that_nothing_reads(tree: Copy) -> None:
    tree.append("overlays/model/node.yaml", "  predictMethod: predict_proba\n")
    assert tree.errors() == [
        "error[node-fields] overlays/model\n"
        "  GraphNode model: spec.predictMethod is unknown\n"
        "  policy: An overlay's node.yaml has the fields that base/node reads: another one would do nothing\n"
        "  fix: remove it or correct its name; the fields are "
        "deployment, node, type, modelUri, modelDigest, xtype"
    ]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            "/spec/predictors/0/componentSpecs/0/spec/initContainers/0/args/1",
            "s3://other/model",
            f"{ARGS} have 's3://other/model', node.yaml's modelUri is 's3://mlflow/artifacts/iris_preprocessor_model'",
        ),
        (
            "/spec/predictors/0/graph/type",
            "MODEL",
            "spec.predictors[0].graph.type is 'MODEL', node.yaml's type is 'TRANSFORMER'",
        ),
        (
            "/spec/predictors/0/graph/parameters/1/value",
            "ndarray",
            "spec.predictors[0].graph.parameters: xtype is 'ndarray', node.yaml's xtype is 'DataFrame'",
        ),
    ],
    ids=["modelUri", "type", "xtype"],
)
def test_a_rendered_value_that_is_not_node_yamls(tree: Copy, path: str, value: str, said: str) -> None:
    tree.patch("preprocessor", path, value)
    assert tree.broken("node-values", "overlays/preprocessor") == [
        "error[node-values] overlays/preprocessor\n"
        f"  SeldonDeployment graph-iris-preprocessor: {said}\n"
        "  policy: What is rendered is what node.yaml says: it is the table that people review\n"
        "  fix: change it in node.yaml, and let the replacement of base/node fill it"
    ]


def test_a_rendered_digest_that_is_not_node_yamls(tree: Copy) -> None:
    other = "sha256:" + "0123456789abcdef" * 4
    tree.patch("preprocessor", "/spec/predictors/0/componentSpecs/0/spec/initContainers/0/args/4", other)
    assert (
        f"{ARGS} have {other!r}, node.yaml's modelDigest is 'sha256:"
        in tree.broken("node-values", "overlays/preprocessor")[0]
    )
