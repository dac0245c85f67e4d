"""Models as people log them, of every form of request: ``python logged.py FOLDER REQUIREMENT…`` saves them there."""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pydantic
from mlflow.models import infer_signature
from mlflow.types.llm import ChatChoice, ChatCompletionResponse, ChatMessage


class Unlike(mlflow.pyfunc.PythonModel):
    """A double, which may be missing, and a text to a text; with a parameter."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        scale = (params or {}).get("scale", 1.0)
        return pd.DataFrame({"said": model_input["city"], "scaled": model_input["income"] * scale})


class Words(mlflow.pyfunc.PythonModel):
    """Texts to their lengths, without a signature."""

    def predict(self, context: Any, model_input: Any) -> Any:
        return [len(word) for word in np.asarray(model_input).ravel()]


class Item(pydantic.BaseModel):
    """What the type hint has."""

    name: str
    amount: float
    tags: list[str] = []


class Hinted(mlflow.pyfunc.PythonModel):
    """A list of objects to a list of texts."""

    def predict(self, model_input: list[Item]) -> list[str]:
        return [f"{item.name}:{item.amount}:{len(item.tags)}" for item in model_input]


class Chat(mlflow.pyfunc.ChatModel):
    """Says what it was asked, each time under another identifier and at another time."""

    def predict(self, context: Any, messages: Any, params: Any) -> Any:
        message = ChatMessage(role="assistant", content=messages[-1].content)
        choices = [ChatChoice(index=0, message=message, finish_reason="stop")]
        return ChatCompletionResponse(
            id=uuid.uuid4().hex, created=int(time.time()), model="m", choices=choices
        )


class Sum(mlflow.pyfunc.PythonModel):
    """Rows of columns that are called 0, 1, 2 to their sums."""

    def predict(self, context: Any, model_input: Any) -> Any:
        return model_input.to_numpy().sum(axis=1)


class Shout(mlflow.pyfunc.PythonModel):
    """An array of texts to texts."""

    def predict(self, context: Any, model_input: Any) -> Any:
        return np.array([str(text).upper() for text in model_input])


FRAME = pd.DataFrame({"income": [1.5, None], "city": ["Basel", "Bern"]})
COUNTED = pd.DataFrame(np.array([[0.5, 0.25, 1.0], [0.0, 0.5, 0.125]]))
TEXTS = np.array(["good", "bad"])
MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "unlike": (
        Unlike(),
        {
            "input_example": (FRAME, {"scale": 2.0}),
            "signature": infer_signature(FRAME, params={"scale": 2.0}),
        },
    ),
    "words": (Words(), {}),
    "hinted": (Hinted(), {"input_example": [{"name": "x", "amount": 1.5, "tags": ["t"]}, {"name": "y", "amount": 2.0}]}),
    "chat": (Chat(), {"input_example": {"messages": [{"role": "user", "content": "hi"}]}}),
    "counted": (Sum(), {"input_example": COUNTED, "signature": infer_signature(COUNTED)}),
    "texts": (Shout(), {"input_example": TEXTS, "signature": infer_signature(TEXTS, TEXTS)}),
}  # fmt: skip

if __name__ == "__main__":
    folder, *requirements = sys.argv[1:]
    for name, (model, said) in MODELS.items():
        mlflow.pyfunc.save_model(
            str(Path(folder, name)), python_model=model, pip_requirements=requirements, **said
        )
