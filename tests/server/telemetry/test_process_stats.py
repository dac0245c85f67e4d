"""Connections of a port, as the kernel counts them."""

from __future__ import annotations

import socket

import pytest

from server.telemetry.process_stats import connections
from tests.server.polling import wait_for


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_those_that_were_opened_to_a_port_count_until_they_are_closed(family, host):
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with server:
        port = server.getsockname()[1]
        assert connections(port) == 0
        clients = [socket.create_connection((host, port), timeout=30) for _ in range(3)]
        accepted = [server.accept()[0] for _ in clients]
        assert connections(port) == 3
        # Those that this process has opened are the other port's.
        assert connections(clients[0].getsockname()[1]) <= 1
        for sock in (*clients[1:], *accepted[1:]):
            sock.close()
        wait_for(lambda: connections(port) == 1)
        clients[0].close()
        accepted[0].close()
        wait_for(lambda: connections(port) == 0)
