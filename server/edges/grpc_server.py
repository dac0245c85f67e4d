"""The server that carries the gRPC interface, with the services for health and reflection beside it."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_reflection.v1alpha import reflection

from server.edges.grpc import Grpc
from server.edges.grpc_health import Health
from server.errors import BadSetting
from server.node import Node


async def start(node: Node) -> grpc.aio.Server:
    """Return a server that listens.

    Raises:
        BadSetting: the port cannot be listened on.
    """
    settings = node.settings
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", settings.grpc_max_message_bytes),
            # Else a second server shares the port, and gets half of the first one's calls.
            ("grpc.so_reuseport", 0),
        ]
    )
    interface = Grpc(node)
    server.add_generic_rpc_handlers(interface.handlers())
    health = Health(node.channels.readiness, interface.services)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection((*interface.services, HEALTH, reflection.SERVICE_NAME), server)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        server.add_insecure_port(f"{host}:{settings.grpc_port}")
    except RuntimeError as error:
        raise BadSetting(
            f"cannot listen on {settings.host}:{settings.grpc_port}: the port must be free and the address this "
            "machine's; choose another by PREDICTIVE_UNIT_GRPC_SERVICE_PORT or SERVER_HOST"
        ) from error
    await server.start()
    return server
