from __future__ import annotations

import asyncio

import pytest

from gitops.errors import StartFailed
from gitops.local.together import together


def test_one_failure_ends_the_others_and_keeps_its_cause() -> None:
    ended: list[str] = []
    cause = ValueError()

    async def fail() -> None:
        raise StartFailed("failed") from cause

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waited")

    with pytest.raises(StartFailed, match="failed") as failure:
        asyncio.run(together(wait(), fail()))
    assert ended == ["waited"]
    assert failure.value.__cause__ is cause
