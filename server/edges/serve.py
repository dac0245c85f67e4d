"""Open the ports at once, load the model beside, and end in order."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from server.edges.asgi import Application
from server.edges.rest import Rest
from server.errors import BadSetting, ServerError
from server.node import Node
from server.settings import ServeSettings

log = logging.getLogger(__name__)


def serve(settings: ServeSettings, environment: Path) -> None:
    """Serve the model until SIGTERM or SIGINT.

    Raises:
        ModelNotLoaded: the model cannot be loaded in its environment.
        NotAModel: the folder holds no model.
        BadSetting: the port cannot be listened on.
    """
    node = Node(settings, environment)
    application = Application(Rest(node), settings.max_body_bytes)
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=settings.http_port,
        http="httptools",
        loop="uvloop",
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    uvloop_factory = config.get_loop_factory()
    with asyncio.Runner(loop_factory=uvloop_factory) as runner:
        runner.run(_run(node, config))


class _Http(uvicorn.Server):
    """A uvicorn server that leaves signals alone: it would end the process by them before the model's is."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _run(node: Node, config: uvicorn.Config) -> None:
    http = _Http(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, http.handle_exit, number, None)
    loading = asyncio.create_task(node.process.run())
    serving = asyncio.create_task(_listen(http))
    log.info(
        "%s %s listens on %s:%d", node.settings.service_type, node.model.folder, config.host, config.port
    )
    try:
        await asyncio.wait((loading, serving), return_when=asyncio.FIRST_COMPLETED)
        http.should_exit = True
        await serving
    finally:
        loading.cancel()
        result = (await asyncio.gather(loading, return_exceptions=True))[0]
    if isinstance(result, ServerError):
        raise result


async def _listen(http: uvicorn.Server) -> None:
    try:
        await http.serve()
    except SystemExit as error:
        # uvicorn's way to say that it cannot listen; it has logged the reason.
        raise BadSetting(
            f"cannot listen on {http.config.host}:{http.config.port}: the port must be free and the address "
            "this machine's; choose another by PREDICTIVE_UNIT_HTTP_SERVICE_PORT or SERVER_HOST"
        ) from error
