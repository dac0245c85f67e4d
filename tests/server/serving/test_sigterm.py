"""A server that ends under load: no request is lost that a client could not know to be."""

from __future__ import annotations

import json
import select
import signal
import socket
import threading
import time

import pytest

from tests.project import MODELS
from tests.server.running_server import serving

pytestmark = pytest.mark.xdist_group("sigterm")

BODY = json.dumps({"data": {"ndarray": [[6.8, 2.8, 4.8, 1.4]]}}).encode()
REQUEST = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
CLIENTS = 16


class Client(threading.Thread):
    """Sends one request after the other until the server is gone; again only where it was closed before the first byte."""

    def __init__(self, port: int, pause: float) -> None:
        super().__init__()
        self._port = port
        self._pause = pause
        self.answered = self.told = 0
        self.lost: list[str] = []

    def run(self) -> None:
        while True:
            try:
                sock = socket.create_connection(("127.0.0.1", self._port), timeout=20)
            except ConnectionError:
                return
            with sock:
                self._use(sock)

    def _use(self, sock: socket.socket) -> None:
        while not select.select([sock], [], [], 0)[0]:  # It is closed where there is something to read.
            try:
                sock.sendall(REQUEST)
                head = data = sock.recv(65536)
                while data and b"\r\n\r\n" not in head:
                    data = sock.recv(65536)
                    head += data
            except (ConnectionError, TimeoutError) as error:
                self.lost.append(repr(error))
                return
            if not head.startswith(b"HTTP/1.1 200 "):
                self.lost.append(head[:200].decode())
                return
            self.answered += 1
            if b"connection: close" in head:
                self.told += 1
                return
            time.sleep(self._pause)


def ended_under_load(folder, seconds, **environ):
    """Return what clients have seen of a server that ends after so long: one half asks at once, the other at times."""
    with serving(folder, MODELS / "iris_svm_model", environ=environ) as served:
        served.client.close()
        clients = [Client(served.client.base_url.port, 0.03 * (number % 2)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(seconds)
        served.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join()
        assert served.process.wait(30) == 0
    return sum(client.answered for client in clients), clients


@pytest.mark.long
@pytest.mark.parametrize("server_processes", ["1", "2"])
def test_none_is_lost_and_clients_are_told_to_go(tmp_path, server_processes):
    answered, clients = ended_under_load(tmp_path, 0.5, SERVER_EDGE_PROCESSES=server_processes)
    assert answered
    assert [lost for client in clients for lost in client.lost] == []
    assert all(client.told for client in clients)


@pytest.mark.long
def test_none_of_20_000_is_lost(tmp_path):
    answered, lost, number = 0, [], 0
    while answered < 20_000:
        folder = tmp_path / str(number)
        folder.mkdir()
        count, clients = ended_under_load(folder, 2)
        answered, number = answered + count, number + 1
        lost += [each for client in clients for each in client.lost]
    assert lost == []
