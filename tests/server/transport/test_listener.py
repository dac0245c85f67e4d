"""The socket of an interface, and what the server does when it can have no more connections or files open."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import psutil
import pytest

from server.errors import BadSetting
from server.protocol.proto.prediction_pb2 import DefaultData, SeldonMessage, Tensor
from server.transport.listener import listen
from tests.polling import wait_for
from tests.server.running_server import VISIBLE, serving

RULE = (
    "the port must be free and the address this machine's; "
    "choose another by PREDICTIVE_UNIT_HTTP_SERVICE_PORT or SERVER_HOST"
)
# How many more may be opened, and how many are.
ROOM, FLOOD = 8, 30
# How long it is watched while it can take none, and the CPU time that one which tried all the while would take.
WATCHED_SECONDS = 2
PING = b"GET /health/ping HTTP/1.1\r\nhost: a\r\n\r\n"
SENT = SeldonMessage(data=DefaultData(tensor=Tensor(shape=[1, 1], values=[0.0]))).SerializeToString()


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


def opened(process):
    """Return the numbers of what a process has open."""
    return [int(path.name) for path in Path(f"/proc/{process}/fd").iterdir()]


def cpu_seconds(process):
    times = psutil.Process(process).cpu_times()
    return times.user + times.system


def needs_prlimit():
    if not hasattr(resource, "prlimit"):
        pytest.skip("the limits of another process are Linux's to tell and to change")


@contextmanager
def no_room_for_many(process):
    """Let a process open a few more files and connections only; give the limit."""
    needs_prlimit()
    before = resource.prlimit(process, resource.RLIMIT_NOFILE)
    limit = max(opened(process)) + 1 + ROOM
    resource.prlimit(process, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield limit
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)


@contextmanager
def flood(port, sent):
    """Give connections over each of which ``sent`` was sent."""
    with ExitStack() as stack:
        connections = []
        for _ in range(FLOOD):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            connection.sendall(sent)
            connections.append(connection)
        yield connections


def answered(connection, seconds=30):
    """Return whether an answer comes within so many seconds."""
    connection.settimeout(seconds)
    try:
        return connection.recv(1000).endswith(b"pong")
    except TimeoutError:
        return False


@dataclass
class Clients:
    """A connection to each of the two interfaces."""

    rest: httpx.Client
    grpc: grpc.UnaryUnaryMultiCallable

    def are_answered(self, count=20):
        asked = {"data": {"ndarray": [[0]]}}
        by_rest = [self.rest.post("/predict", json=asked).status_code for _ in range(count)]
        return {*by_rest} == {200} and all(self.grpc(SENT, timeout=30) for _ in range(count))


@pytest.fixture
def served(tmp_path, slow_model, request):
    with serving(tmp_path, slow_model, program=VISIBLE, environ=getattr(request, "param", None)) as running:
        yield running


@pytest.fixture
def clients(served):
    kept = httpx.Limits(keepalive_expiry=None)
    with (
        httpx.Client(base_url=served.client.base_url, timeout=30, limits=kept) as client,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel,
    ):
        yield Clients(client, channel.unary_unary("/seldon.protos.Model/Predict"))


def lines(served):
    return [line for line in served.log.read_text().splitlines() if "connections wait" in line]


def outlast_a_flood(served, clients, processes):
    """Go through a flood of connections, of which these processes of the server can take few at a time."""
    with flood(served.client.base_url.port, PING) as connections:
        wait_for(lambda: len(lines(served)) == len(processes))
        taken = [connection for connection in connections if answered(connection, 0.02)]
        assert 0 < len(taken) < FLOOD
        before = sum(map(cpu_seconds, processes))
        time.sleep(WATCHED_SECONDS)
        assert sum(map(cpu_seconds, processes)) - before < WATCHED_SECONDS / 5
        assert clients.are_answered()
        for connection in taken:
            connection.close()
        # Each that ends makes room for another.
        for connection in (each for each in connections if each not in taken):
            assert answered(connection)
            connection.close()
        assert clients.are_answered()
    assert len(lines(served)) == len(processes)


def test_without_descriptors_it_answers_on_the_connections_it_has_and_takes_others_when_they_end(
    served, clients
):
    assert clients.are_answered()
    with no_room_for_many(served.process.pid) as limit:
        outlast_a_flood(served, clients, [served.process.pid])
    assert lines(served)[0].endswith(
        f"connections wait until others end (Too many open files): a process of the server may have {limit} files "
        "and connections open; raise the container's limit of open files, or lower SERVER_MAX_CONNECTIONS"
    )


@pytest.mark.long
@pytest.mark.parametrize(
    "served", [{"SERVER_EDGE_PROCESSES": "2", "SERVER_LARGE_BODY_BYTES": "0"}], indirect=True, ids=["2"]
)
def test_so_do_several_processes(served, clients):
    wait_for(clients.are_answered)
    processes = [served.process.pid, *served.server_processes()[:-1]]  # The last one is gRPC's.
    assert len(processes) == 2
    with ExitStack() as stack:
        for process in processes:
            stack.enter_context(no_room_for_many(process))
        outlast_a_flood(served, clients, processes)


@pytest.mark.long
def test_a_flood_of_grpc_connections_leaves_those_that_it_has(served, clients):
    assert clients.are_answered()
    process = served.server_processes()[-1]
    with no_room_for_many(process), flood(served.grpc_port, b""):
        before = cpu_seconds(process)
        time.sleep(WATCHED_SECONDS)
        assert cpu_seconds(process) - before < WATCHED_SECONDS / 5
        assert clients.are_answered()
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        assert channel.unary_unary("/seldon.protos.Model/Predict")(SENT, timeout=30)


@pytest.mark.long
def test_a_model_that_dies_meanwhile_is_started_again_when_there_are_descriptors(served, clients):
    assert clients.are_answered()
    with no_room_for_many(served.process.pid), flood(served.client.base_url.port, PING):
        wait_for(lambda: "connections wait" in served.log.read_text())
        os.kill(served.worker(), signal.SIGKILL)
        wait_for(lambda: "cannot be started: Too many open files" in served.log.read_text())
        assert clients.rest.get("/health/ping").status_code == 200
        assert clients.rest.get("/health/status").status_code == 503
    served.wait_until_ready()
    assert clients.are_answered()


def test_the_limit_is_raised_as_far_as_is_of_use(tmp_path, slow_model):
    needs_prlimit()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with serving(tmp_path, slow_model, descriptors=256) as served:
        for process in (served.process.pid, served.worker()):
            assert resource.prlimit(process, resource.RLIMIT_NOFILE) == (min(65_536, most), most)
