"""What a node says of itself, whoever asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from server.api import node
from server.api.node import Node
from server.artifact.digest import model_digest
from server.settings import ServeSettings
from tests.project import MODELS

MODEL = MODELS / "iris_svm_model"


def test_the_models_digest_is_computed_once_for_all_and_goes_on_without_those_that_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = []
    real = node.metadata
    monkeypatch.setattr(node, "metadata", lambda *said: (read.append(said), real(*said))[1])

    async def run() -> list[str]:
        asked = Node(ServeSettings(model_uri=str(MODEL)))
        impatient = [asyncio.create_task(asked.metadata()) for _ in range(5)]
        await asyncio.sleep(0)
        for task in impatient:
            task.cancel()
        await asyncio.gather(*impatient, return_exceptions=True)
        found = await asyncio.gather(*(asked.metadata() for _ in range(5)))
        return [said["versions"][0] for said in found]

    assert set(asyncio.run(run())) == {model_digest(Path(MODEL))}
    assert len(read) == 1
