from __future__ import annotations

import socket

import pytest

from server.errors import BadSetting
from server.transport.listener import listen

RULE = (
    "the port must be free and the address this machine's; "
    "choose another by PREDICTIVE_UNIT_HTTP_SERVICE_PORT or SERVER_HOST"
)


def connects(sock, family=socket.AF_INET, host="127.0.0.1"):
    with socket.socket(family) as client:
        client.settimeout(10)
        client.connect((host, sock.getsockname()[1]))
        accepted, _ = sock.accept()
        accepted.close()
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_it_listens_on_an_address_or_a_name(host):
    with listen(host, 0) as sock:
        assert sock.getsockname()[1] != 0
        if sock.family == socket.AF_INET:
            assert connects(sock)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6 with IPv4 in it")
def test_all_of_ipv6_is_all_of_ipv4_too():
    with listen("::", 0) as sock:
        assert connects(sock)
        assert connects(sock, socket.AF_INET6, "::1")


def test_a_port_is_free_again_at_once():
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = sock.accept()
            accepted.close()  # The server's end is the one that waits for late packets.
    listen("127.0.0.1", port).close()


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 9000), ("a..b", 9000), ("127.0.0.1", 65536)])
def test_an_address_or_port_that_cannot_be_is_named(host, port):
    with pytest.raises(BadSetting) as refused:
        listen(host, port)
    assert str(refused.value) == f"cannot listen on {host}:{port}: {RULE}"


def test_a_port_in_use_is_named_even_by_one_that_would_share_it():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BadSetting) as refused:
            listen("127.0.0.1", port)
    assert str(refused.value) == f"cannot listen on 127.0.0.1:{port}: {RULE}"
