"""The one run of a model, and what it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitops.errors import NoExample
from gitops.promote import trial

MESSAGES = {"messages": [{"role": "user", "content": "Hello!"}]}


def model(folder: Path, loader: str, example: object) -> Path:
    saved = {"artifact_path": "input_example.json", "type": "json_object"}
    said = {"flavors": {"python_function": {"loader_module": loader}}, "saved_input_example_info": saved}
    (folder / "MLmodel").write_text(json.dumps(said))
    (folder / "input_example.json").write_text(json.dumps(example))
    return folder


def test_a_chat_is_asked_its_whole_input_example(tmp_path: Path) -> None:
    chat = model(tmp_path, "mlflow.pyfunc.loaders.chat_model", MESSAGES)
    assert trial.request(chat, "s3://models/chat") == {"jsonData": MESSAGES}


def test_a_chat_whose_example_is_no_object_has_none(tmp_path: Path) -> None:
    with pytest.raises(NoExample):
        trial.request(model(tmp_path, "mlflow.pyfunc.loaders.chat_model", "hi"), "s3://models/chat")


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
    assert trial.clean({**kept, **credentials}) == kept
