"""An overlay's node.yaml."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gitops.errors import BadManifest, BuildFailed
from gitops.manifests.graphnode import read_node
from tests.project import MANIFESTS


def test_an_overlay_of_a_single_node_has_one() -> None:
    node = read_node(MANIFESTS / "overlays/postprocessor")
    assert node is not None
    assert node.title == "GraphNode postprocessor"
    assert (node.deployment, node.node, node.type, node.xtype) == (
        "graph-iris-postprocessor",
        "postprocessor",
        "OUTPUT_TRANSFORMER",
        "DataFrame",
    )
    assert node.model_uri.endswith("/iris_postprocessor_model")
    assert node.raw["spec"]["node"] == "postprocessor"


def test_a_graph_of_several_nodes_has_none() -> None:
    assert read_node(MANIFESTS / "overlays/pipeline") is None


def test_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node.yaml").write_text("kind: Node\n")
    with pytest.raises(BadManifest) as caught:
        read_node(tmp_path)
    assert str(caught.value) == f"{tmp_path}/node.yaml: must hold one object of the kind GraphNode"


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    text = (MANIFESTS / "overlays/model/node.yaml").read_text()
    (tmp_path / "node.yaml").write_text(re.sub("  modelUri: .*\n", "", text))
    with pytest.raises(BadManifest) as caught:
        read_node(tmp_path)
    assert str(caught.value) == "GraphNode model: spec.modelUri is nothing: must be a string"


def test_text_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node.yaml").write_text("kind: [\n")
    with pytest.raises(BuildFailed, match=r"/node\.yaml:2: did not find expected node content"):
        read_node(tmp_path)
