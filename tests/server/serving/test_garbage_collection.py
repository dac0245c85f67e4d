from __future__ import annotations

import asyncio
import gc

import pytest

from server.model.readiness import Readiness
from server.serving.serve import freeze_when_ready


@pytest.fixture(autouse=True)
def thawed():
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_what_is_there_when_the_server_is_ready_is_collected_no_more():
    async def run():
        readiness = Readiness()
        freezing = asyncio.create_task(freeze_when_ready(readiness))
        await asyncio.sleep(0)
        assert gc.get_freeze_count() == 0
        readiness.set(True)
        await freezing
        assert gc.get_freeze_count() > 1000

    asyncio.run(run())


def test_a_server_that_ends_before_it_is_ready_is_not_waited_for():
    async def run():
        readiness = Readiness()
        freezing = asyncio.create_task(freeze_when_ready(readiness))
        await asyncio.sleep(0)
        readiness.close()
        await freezing
        assert gc.get_freeze_count() == 0

    asyncio.run(run())
