"""Start the node's process: ``python -m server.edges.local FD ENV``, FD being a Unix socket that listens.

It ends when the last connection is closed, so it needs nobody to end it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

from server.edges.local.interface import Local
from server.model import orphans
from server.model.process import ModelProcess
from server.node import Node, model_process
from server.setting import load
from server.settings import ServeSettings


async def run(node: Node, process: ModelProcess, listener: socket.socket) -> None:
    """Serve the socket until the last connection is closed."""
    local = Local(node, process)
    loading = asyncio.create_task(local.load())
    server = await asyncio.get_running_loop().create_unix_server(local.connect, sock=listener)
    async with server:
        await local.left.wait()
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)


def main() -> None:
    """Serve the node that the environment variables describe, as the wrapper's process has them."""
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s node: %(message)s",
    )
    listener = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(listener.fileno(), False)
    orphans.adopt()
    orphans.hide()
    # The wrapper's processes need the CPUs.
    node = Node(replace(load(ServeSettings, os.environ), spin_microseconds=0))
    asyncio.run(run(node, model_process(node, Path(sys.argv[2])), listener))


if __name__ == "__main__":
    main()
