"""The OpenAPI document of a served model holds: schemathesis sends what it allows, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.models import SCALER, echo
from tests.server.running_server import serving

PROGRAM = Path(sys.executable).with_name("schemathesis")
# Of the other protocols no schema can say that a tensor has as many values as its shape, nor that a CSV is the model's.
SELDONS = ("--exclude-path-regex", "^/(v2|invocations)")
OTHERS = ("--include-path-regex", "^/(v2|invocations|ping|health$|version)")
# GET with the message in the query is a form for old clients that the document does not show.
NOT_CHECKED = ("unsupported_method", "allow_header_conformance")


def run(folder, model, examples, *more, not_checked=NOT_CHECKED, paths=SELDONS, **parameters):
    """Return how schemathesis ended, and what it said."""
    with serving(folder, model, **parameters) as served:
        done = subprocess.run(
            [
                *(PROGRAM, "run", f"{served.client.base_url}/seldon.json", "--no-color"),
                *("--checks", "all", "--exclude-checks", ",".join(not_checked)),
                *("--phases", "examples,coverage,fuzzing", "--max-examples", str(examples)),
                *("--request-timeout", "30", *paths, *more),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.long
def test_what_the_document_says_is_so(tmp_path):
    code, said = run(tmp_path, SCALER, 10, "--seed", "1", xtype="DataFrame")
    assert code == 0, said
    assert "No issues found" in said


@pytest.mark.weekly
@pytest.mark.long
def test_what_the_document_says_is_so_for_an_array(tmp_path):
    code, said = run(tmp_path, SCALER, 100)
    assert code == 0, said


@pytest.mark.parametrize("xtype", ["ndarray", "DataFrame"])
@pytest.mark.weekly
@pytest.mark.long
def test_what_the_document_says_of_other_protocols_is_so(tmp_path, xtype):
    not_checked = (*NOT_CHECKED, "positive_data_acceptance")
    code, said = run(tmp_path, SCALER, 50, not_checked=not_checked, paths=OTHERS, xtype=xtype)
    assert code == 0, said


@pytest.mark.weekly
@pytest.mark.long
def test_what_the_document_says_is_so_without_a_signature(tmp_path):
    # That rows are of equal length no schema can say.
    code, said = run(tmp_path, echo(tmp_path), 100, not_checked=(*NOT_CHECKED, "positive_data_acceptance"))
    assert code == 0, said


# JSON whole numbers beyond 64 bits arrive as doubles, so the very limit of a long cannot be told from the next one.
SIGNED = [
    {"name": "label", "type": "string", "required": True},
    {"name": "count", "type": "integer", "required": True},
    {"name": "member", "type": "boolean", "required": True},
    {"name": "sizes", "type": "array", "items": {"type": "integer"}, "required": True},
]


@pytest.mark.weekly
@pytest.mark.long
def test_what_the_document_says_is_so_for_columns_of_several_types(tmp_path):
    model = echo(tmp_path)
    with (model / "MLmodel").open("a") as file:
        file.write(f"signature: {{inputs: '{json.dumps(SIGNED)}'}}\n")
    code, said = run(tmp_path, model, 50, xtype="DataFrame")
    assert code == 0, said


CHAT = """
import sys
import mlflow
from mlflow.types.llm import (
    ChatChoice, ChatChoiceDelta, ChatChunkChoice, ChatCompletionChunk, ChatCompletionResponse, ChatMessage
)

class Chat(mlflow.pyfunc.ChatModel):
    def predict(self, context, messages, params):
        said = ChatMessage(role="assistant", content=f"{len(messages)} messages")
        return ChatCompletionResponse(choices=[ChatChoice(index=0, message=said)])

    def predict_stream(self, context, messages, params):
        for message in messages:
            delta = ChatChoiceDelta(role="assistant", content=message.role)
            yield ChatCompletionChunk(choices=[ChatChunkChoice(index=0, delta=delta)])

mlflow.pyfunc.save_model(sys.argv[1], python_model=Chat(), pip_requirements=[])
"""


@pytest.mark.long
def test_what_the_document_says_is_so_for_a_chat(tmp_path):
    model = tmp_path / "chat"
    subprocess.run([sys.executable, "-c", CHAT, str(model)], cwd=tmp_path, check=True)
    # MLflow asks more of a message than its signature says, such as content or refusal, and not both.
    beyond = ("positive_data_acceptance", "not_a_server_error")
    code, said = run(tmp_path, model, 30, "--seed", "1", not_checked=(*NOT_CHECKED, *beyond))
    assert code == 0, said
