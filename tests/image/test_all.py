"""`docker run IMAGE all s3://…` as any user, on a read-only root, without a capability, with one tmpfs."""

from __future__ import annotations

import json
import socket
import time

import httpx
import pytest

from gitops.local.overlay import read_expected
from server.errors import BadDestination
from server.pins.expectation import differences
from tests.image.conftest import Serving
from tests.image.engine import docker, run
from tests.project import MANIFESTS, MODELS

pytestmark = pytest.mark.image

EXPECTED = read_expected(MANIFESTS / "overlays" / "model")


def ask(client: httpx.Client) -> object:
    answer = client.post("/api/v1.0/predictions", json=EXPECTED.request)
    assert answer.status_code == 200, answer.text
    return {key: answer.json()[key] for key in EXPECTED.response}


def test_the_tutorials_request_is_answered(serving: Serving) -> None:
    assert differences(EXPECTED.response, ask(serving.client)) == []


def test_nothing_can_be_written_outside_of_the_volumes(serving: Serving) -> None:
    code = """
import os
for folder in ("/", "/opt/server", "/opt/python", "/usr/local", "/etc", "/mnt", "/home", "/var/tmp"):
    try:
        open(os.path.join(folder, "written"), "w")
    except OSError as error:
        print(error.strerror)
"""
    assert set(serving.container.python(code).splitlines()) == {"Read-only file system"}
    assert ask(serving.client)


def test_no_process_of_it_holds_the_stores_secret(serving: Serving) -> None:
    code = """
import pathlib
for process in pathlib.Path("/proc").glob("[0-9]*"):
    print((process / "cmdline").read_bytes().replace(b"\\0", b" "), (process / "environ").read_bytes())
"""
    said = serving.container.python(code)
    # Those that `docker exec` starts have the container's environment: the engine's, not the model's.
    own = [line for line in said.splitlines() if "-I -c" not in line]
    assert sum("server" in line for line in own) >= 2
    assert serving.secret not in "".join(own)
    assert serving.secret not in serving.container.log()


def test_a_request_under_way_is_answered_after_sigterm(serving: Serving) -> None:
    body = json.dumps(EXPECTED.request).encode()
    head = (
        "POST /api/v1.0/predictions HTTP/1.1\r\nHost: model\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", serving.port), timeout=30) as connection:
        connection.sendall(head + body[:10])
        # The server has read the head once it answers what came later on another connection.
        assert serving.client.get("/health/ping").status_code == 200
        docker("kill", "--signal", "TERM", serving.container.name)
        wait_until_refused(serving.port)
        connection.sendall(body[10:])
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    docker("wait", serving.container.name)
    assert serving.container.state()["ExitCode"] == 0


def wait_until_refused(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    raise AssertionError("connections are still taken after SIGTERM")


def test_a_tmpfs_that_no_library_can_be_loaded_from_is_refused_at_once(image: str) -> None:
    done = run(
        *("--volume", f"{MODELS}:/models:ro", "--tmpfs", "/tmp:mode=1777"),
        *(image, "all", "file:///models/iris_svm_model"),
    )
    assert done.returncode == BadDestination.exit_code
    assert (
        "ERROR all: /tmp/all/environment: is mounted with noexec, and a model's libraries cannot be loaded from "
        "there; mount it with exec, as in `docker run --tmpfs /tmp:exec`\n"
    ) in done.stderr
