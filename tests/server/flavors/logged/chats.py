"""Chats, agents and Python models that answer in parts, and what MLflow's scoring server answers for them.

python chats.py DEST REQUIREMENT…
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.models import ModelSignature
from mlflow.pyfunc.scoring_server import invocations
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.agent import ChatAgentChunk, ChatAgentMessage, ChatAgentResponse
from mlflow.types.llm import (
    ChatChoice,
    ChatChoiceDelta,
    ChatChunkChoice,
    ChatCompletionChunk,
    ChatCompletionResponse,
    ChatMessage,
)

MESSAGES = [{"role": "system", "content": "short"}, {"role": "user", "content": "hi there, wörld"}]


class Chat(mlflow.pyfunc.ChatModel):
    """Says what it was asked, and how."""

    def predict(self, context, messages, params):
        said = f"{messages[-1].content} t={params.temperature} n={params.max_tokens} c={params.custom_inputs}"
        message = ChatMessage(role="assistant", content=said)
        return ChatCompletionResponse(
            id="1", created=1, model="m", choices=[ChatChoice(index=0, message=message, finish_reason="stop")]
        )

    def predict_stream(self, context, messages, params):
        for index, word in enumerate(messages[-1].content.split()):
            delta = ChatChoiceDelta(role="assistant", content=f"{word} {params.max_tokens}")
            choice = ChatChunkChoice(index=index, delta=delta)
            yield ChatCompletionChunk(id="1", created=1, model="m", choices=[choice])


class Agent(mlflow.pyfunc.ChatAgent):
    """The same for agents."""

    def predict(self, messages, context=None, custom_inputs=None):
        user = context.user_id if context else None
        said = ChatAgentMessage(id="1", role="assistant", content=f"{messages[-1].content} {user}")
        return ChatAgentResponse(messages=[said], custom_outputs={"got": custom_inputs})

    def predict_stream(self, messages, context=None, custom_inputs=None):
        for word in messages[-1].content.split():
            yield ChatAgentChunk(delta=ChatAgentMessage(id="1", role="assistant", content=word))


class Words(mlflow.pyfunc.PythonModel):
    """Counts, and says what it was given."""

    def predict(self, context, model_input, params=None):
        return {"type": type(model_input).__name__, "input": str(model_input), "params": params}

    def predict_stream(self, context, model_input, params=None):
        for number in range(int((params or {}).get("count", 3))):
            yield {"number": number, "input": model_input}
        yield "that is all"


CHATS: list[dict[str, Any]] = [
    {"messages": MESSAGES},
    {"messages": MESSAGES, "temperature": 1, "max_tokens": 3, "model": "any"},
    {"messages": MESSAGES, "custom_inputs": {"a": "b"}, "stream": True},
]
AGENTS: list[dict[str, Any]] = [
    {"messages": MESSAGES},
    {"messages": MESSAGES, "context": {"user_id": "u"}, "custom_inputs": {"a": 1, "b": [True, None, "x"]}},
]
PLAIN: list[dict[str, Any]] = [{"messages": MESSAGES}, {"prompt": "hi", "n": 2}]
SIGNED: list[dict[str, Any]] = [{"prompt": "hi"}, {"prompt": "hi", "count": 1, "n": 4}]
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.string, "prompt"), ColSpec(DataType.long, "n", required=False)]),
    params=ParamSchema([ParamSpec("count", DataType.integer, 2)]),
)


def responses() -> tuple[Any, list[dict[str, Any]]] | None:
    """Return the agent of the Responses API and requests for it, where this MLflow has that."""
    try:
        from mlflow.types.responses import ResponsesAgentResponse, ResponsesAgentStreamEvent
    except ImportError:
        return None

    class Responses(mlflow.pyfunc.ResponsesAgent):
        def predict(self, request):
            said = f"{request.input[-1].content} {request.context} {request.temperature}"
            item = self.create_text_output_item(text=said, id="1")
            return ResponsesAgentResponse(output=[item], custom_outputs=request.custom_inputs)

        def predict_stream(self, request):
            for word in request.input[-1].content.split():
                yield ResponsesAgentStreamEvent(**self.create_text_delta(delta=word, item_id="1"))
            item = self.create_text_output_item(text=request.input[-1].content, id="1")
            yield ResponsesAgentStreamEvent(type="response.output_item.done", item=item)

    return Responses(), [
        {"input": MESSAGES},
        {
            "input": MESSAGES,
            "context": {"user_id": "u", "conversation_id": "c"},
            "custom_inputs": {"a": 1},
            "temperature": 0.5,
            "model": "any",
        },
    ]


def save(
    folder: Path, model: Any, bodies: list[dict[str, Any]], requirements: list[str], **more: Any
) -> None:
    """Save a model, and beside it what the scoring server answers and what predict_stream yields for each body."""
    mlflow.pyfunc.save_model(str(folder), python_model=model, pip_requirements=requirements, **more)
    loaded = mlflow.pyfunc.load_model(str(folder))
    params = {spec.name for spec in loaded.metadata.get_params_schema() or []}
    cases = []
    for body in bodies:
        answer = invocations(json.dumps(body), "application/json", loaded, loaded.metadata.get_input_schema())
        assert answer.status == 200, answer
        given = {name: value for name, value in body.items() if name in params}
        value = {name: value for name, value in body.items() if name not in params}
        parts = list(loaded.predict_stream(value, params=given))
        said = json.loads(answer.response)
        case = {"parameters": {}, "message": {"jsonData": body}, "answer": said, "parts": parts}
        cases.append({**case, "names": None, "error": "", "mlflow": {"status": 200, "predictions": said}})
    folder.with_suffix(".json").write_text(json.dumps(cases, indent=1))


def main(dest: Path, requirements: list[str]) -> None:
    """Log the models."""
    save(dest / "chat", Chat(), CHATS, requirements)
    save(dest / "agent", Agent(), AGENTS, requirements)
    save(dest / "plain", Words(), PLAIN, requirements)
    save(dest / "signed", Words(), SIGNED, requirements, signature=SIGNATURE)
    if found := responses():
        save(dest / "responses", *found, requirements)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
