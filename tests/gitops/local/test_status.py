from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gitops.errors import StartFailed
from gitops.local.status import CALLS, Call, Status, Step


def test_a_start_is_told_step_by_step() -> None:
    status = Status(["model"])
    seen: list[list[Any]] = []

    def look() -> None:
        said = status.overlays["model"].json()
        seen.append([said["state"], [step["state"] for step in said["steps"]]])

    async def run() -> None:
        with status.follow() as follower:
            status.expect("model", [Step("model-initializer", "fetch"), Step("model", "serve")])
            assert await follower.changes() == {"model"}
            look()
            with status.step("model", "model-initializer"):
                look()
            with pytest.raises(StartFailed), status.step("model", "model"):
                raise StartFailed("it ended\nthe log")
            status.failed("model", StartFailed("it ended\nthe log"))
            look()
            # What has changed meanwhile is told once.
            assert await follower.changes() == {"model"}
            status.end()
            assert await follower.changes() == set()
            assert follower.ended

    asyncio.run(run())
    assert seen == [
        ["starting", ["waiting", "waiting"]],
        ["starting", ["running", "waiting"]],
        ["failed", ["done", "failed"]],
    ]
    said = status.overlays["model"].json()
    assert (said["reason"], said["detail"]) == ("it ended", "the log")


def test_what_another_one_s_failure_ends_has_not_failed_itself() -> None:
    async def run() -> str:
        status = Status(["graph"])
        status.expect("graph", [Step("model", "serve")])

        async def serve() -> None:
            with status.step("graph", "model"):
                await asyncio.Event().wait()

        task = asyncio.create_task(serve())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return status.overlays["graph"].steps["model"].state

    assert asyncio.run(run()) == "stopped"


def test_the_last_requests_are_kept_by_the_deployment_s_path() -> None:
    status = Status(["one", "other"])
    status.describe("one", {"path": "/seldon/a/one"})
    for number in range(CALLS + 5):
        status.called("/seldon/a/one", Call(float(number), "POST", "/predict", 200, 0.1))
    status.called("/seldon/a/nobody", Call(0.0, "POST", "/predict", 404, 0.1))
    kept = status.overlays["one"].json()["calls"]
    assert [call["at"] for call in kept] == [float(number) for number in range(5, CALLS + 5)]
    assert status.overlays["other"].json()["calls"] == []
