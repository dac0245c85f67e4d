"""The run of a model, and what it gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops.manifests.seldondeployment import Node, Parameter
from gitops.promote import prediction
from gitops.promote.example import ExampleRequest


def test_a_model_gets_no_credentials() -> None:
    kept = {"PATH": "/bin", "LANG": "C", "SSL_CERT_FILE": "/ca.pem"}
    credentials = {
        "AWS_SECRET_ACCESS_KEY": "hush",
        "MLFLOW_TRACKING_PASSWORD": "hush",
        "UV_INDEX_OWN_PASSWORD": "hush",
        "PIP_INDEX_URL": "https://user:hush@packages.example",
        "NETRC": "/netrc",
        "SECRETS": "{}",
    }
    assert prediction.without_credentials({**kept, **credentials}) == kept


def node(xtype: str) -> Node:
    parameter = Parameter("xtype", xtype, "STRING", "")
    return Node("model", "MODEL", "", (parameter,), (), "graph", {})


LOG_AGAIN = (
    "log it again with an input example that fits its signature, or give a request by EXAMPLE=file.json"
)


@pytest.mark.parametrize(
    ("xtype", "message", "fix"),
    [
        ("DataFrame", {"data": {"ndarray": [[1.5, 2.5]]}}, f"set xtype: auto in node.yaml, which takes it, or {LOG_AGAIN}"),
        ("DataFrame", {"data": {"ndarray": [[1.5]]}}, LOG_AGAIN),
        ("auto", {"data": {"ndarray": [["x", 2.5]]}}, LOG_AGAIN),
        ("auto", {"data": {"ndarray": [[1.5, 2.5]]}}, LOG_AGAIN),
    ],
    ids=["without-names", "too-narrow", "no-number", "refused-by-the-model"],
)  # fmt: skip
def test_another_xtype_is_advised_only_where_it_takes_the_request(
    tmp_path: Path, xtype: str, message: Any, fix: str
) -> None:
    inputs = json.dumps([{"type": "double", "name": "a"}, {"type": "double", "name": "b"}])
    (tmp_path / "MLmodel").write_text(
        json.dumps({"flavors": {"sklearn": {}}, "signature": {"inputs": inputs}})
    )
    assert prediction.advice(tmp_path, node(xtype), ExampleRequest(message, "its own input example")) == fix
