"""The settings as channel arguments of gRPC core.

Source: https://github.com/grpc/grpc/blob/master/include/grpc/impl/channel_arg_names.h
"""

from __future__ import annotations

from server.byte_budget import default_body_bytes
from server.settings import ServeSettings

# How long a client may take to answer a PING of the server.
KEEPALIVE_TIMEOUT_MS = 20_000
# What a client may send of a message before the message is read.
WINDOW_BYTES = 16 * 1024


def message_bytes(settings: ServeSettings) -> int:
    """Return the size of the largest message."""
    return settings.grpc_max_message_bytes or default_body_bytes()


def options(settings: ServeSettings) -> list[tuple[str, int]]:
    """Return the channel arguments of the server."""
    return [
        ("grpc.so_reuseport", 0),  # Another process on the port is an error, not a partner.
        ("grpc.max_receive_message_length", message_bytes(settings)),
        ("grpc.max_send_message_length", -1),  # server.api.grpc_services refuses with words.
        ("grpc.max_concurrent_streams", settings.grpc_max_streams),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_connection_age_ms", 1000 * settings.grpc_max_age_seconds),
        ("grpc.max_connection_age_grace_ms", 1000 * settings.grpc_max_age_grace_seconds),
        ("grpc.max_connection_idle_ms", 1000 * settings.grpc_idle_seconds),
        ("grpc.keepalive_time_ms", 1000 * settings.grpc_keepalive_seconds),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 1000 * settings.grpc_min_ping_seconds),
        ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
        # Else a fast client's stream gets a window of megabytes, which bypasses the limit of messages being read.
        ("grpc.http2.bdp_probe", 0),
    ]
