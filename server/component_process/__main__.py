"""Start the node's process: ``python -m server.component_process FD ENV``, FD being a Unix socket that listens.

It ends when the last connection is closed, so it needs nobody to end it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

from server.api.node import Node
from server.component_process.server import NodeServer
from server.model.supervisor import Supervisor
from server.operating_system import adopt_orphans, hide_memory
from server.serving.model_process import model_supervisor
from server.settings import ServeSettings
from server.settings_loader import load
from server.telemetry import log_lines


async def run(node: Node, process: Supervisor, listener: socket.socket, *, counts: bool = False) -> None:
    """Serve the socket until the last connection is closed; answers have metrics where ``counts`` (NodeServer)."""
    local = NodeServer(node, process, counts=counts)
    loading = asyncio.create_task(local.load())
    server = await asyncio.get_running_loop().create_unix_server(local.connect, sock=listener)
    async with server:
        await local.left.wait()
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)


def main() -> None:
    """Serve the node that the environment variables describe, as the wrapper's process has them."""
    log_lines.configure("node")
    listener = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(listener.fileno(), False)
    adopt_orphans()
    hide_memory()
    # The wrapper's processes need the CPUs.
    # And the wrapper counts metrics by the answers: the model's own in any case, others where it takes them out then.
    given = load(ServeSettings, os.environ)
    node = Node(replace(given, spin_microseconds=0, metrics_in_response=True))
    counts = given.metrics and not given.metrics_in_response
    asyncio.run(run(node, model_supervisor(node, Path(sys.argv[2])), listener, counts=counts))


if __name__ == "__main__":
    main()
