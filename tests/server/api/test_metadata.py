"""What /metadata says of a model."""

from __future__ import annotations

import logging
import shutil

import pytest

from server import mlmodel
from server.api.metadata import metadata
from server.artifact.digest import model_digest
from tests.project import MODELS


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(MODELS / "iris_svm_model", tmp_path / "model")


def said(folder, override=""):
    return metadata(mlmodel.read(folder), "node", override)


def test_a_file_in_the_model_folder_counts_before_the_signature(folder):
    (folder / "metadata.yaml").write_text("name: flowers\nversions: [v2]\n")
    got = said(folder)
    assert (got["name"], got["platform"]) == ("flowers", "sklearn")
    # Who asks for the bytes that are served is told, whatever else it is called.
    assert got["versions"] == ["v2", model_digest(folder)]


def test_the_variable_counts_before_the_file(folder):
    (folder / "metadata.yaml").write_text("name: flowers\n")
    assert said(folder, "name: other")["name"] == "other"


BROKEN = {
    "not-yaml": ("[", "it is not YAML (while parsing a flow node"),
    "list": ("- a", "it must be a mapping, is list"),
    "key": ("nme: a", "nme must be known; known are name, versions, platform, inputs, outputs, custom"),
    "versions": ("versions: 2", "versions must be a list of strings"),
    "custom": ("custom: {a: 1}", "custom must be a mapping of strings to strings"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_one_is_logged_and_passed_over(folder, caplog, text, message):
    (folder / "metadata.yaml").write_text(text)
    with caplog.at_level(logging.ERROR):
        assert said(folder)["name"] == "node"
    assert f"metadata.yaml is passed over: {message}" in caplog.text


def test_strings_among_the_columns_are_said_to_be_an_ndarray(tmp_path):
    (tmp_path / "MLmodel").write_text(
        "flavors: {python_function: {}}\n"
        """signature: {inputs: '[{"type": "string", "name": "a"}, {"type": "long", "name": "b"}]'}\n"""
    )
    got = said(tmp_path)
    assert got["platform"] == "python_function"
    assert got["inputs"] == [{"messagetype": "ndarray", "schema": {"names": ["a", "b"], "shape": [-1, 2]}}]
    assert got["outputs"] == []
