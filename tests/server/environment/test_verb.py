"""`python -m server environment` and `lock` as a pod and a person run them."""

from __future__ import annotations

import base64
import signal
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from server.environment import requirements_lock
from tests.server.environment import making

CREDENTIALS = "someone:not-to-be-printed"


class Index(ThreadingHTTPServer):
    """A package index that wants ``CREDENTIALS``; it does not answer while ``held`` is not set."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
        self.held = threading.Event()
        self.held.set()
        self.asked = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that was ended while it waited."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def url(self, credentials: str) -> str:
        """Return the index's URL with these credentials."""
        return f"http://{credentials}@127.0.0.1:{self.server_port}/"


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Index)
        self.server.asked.set()
        self.server.held.wait(60)
        if self.headers["Authorization"] == f"Basic {base64.b64encode(CREDENTIALS.encode()).decode()}":
            super().do_GET()
        else:
            self.send_error(401)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, index: str, distributions: list[Path]) -> Iterator[Index]:
    """The wheels of the index, over HTTP with credentials."""
    folder = tmp_path / "served"
    for path in distributions:
        page = folder / path.name.partition("-")[0] / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        (page.parent / path.name).write_bytes(path.read_bytes())
        with page.open("a") as file:
            file.write(f'<a href="{path.name}">{path.name}</a>\n')
    with Index(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.held.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "PIP_INDEX_URL"])
def test_credentials_are_used_and_not_printed(
    tmp_path: Path, served: Index, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    model = making.model(tmp_path / "model", "beta\n")
    process = making.verb("environment", model, tmp_path / "env", **{name: served.url(CREDENTIALS)})
    said = process.communicate()
    assert process.returncode == 0, said
    assert "not-to-be-printed" not in "".join(said)
    record = (tmp_path / "env" / "current" / "environment.json").read_text()
    assert "not-to-be-printed" not in record


def test_wrong_credentials(tmp_path: Path, served: Index) -> None:
    model = making.model(tmp_path / "model", "alpha\n")
    url = served.url(CREDENTIALS + "-wrong")
    process = making.verb("environment", model, tmp_path / "env", UV_DEFAULT_INDEX=url)
    _, said = process.communicate()
    assert process.returncode == 21
    assert "401 Unauthorized" in said
    assert said.endswith(
        "check the credentials of the package index (UV_DEFAULT_INDEX, UV_INDEX, PIP_INDEX_URL, …)\n"
    )
    assert "not-to-be-printed" not in said


@pytest.mark.parametrize(
    ("requirements", "code", "message"),
    [
        ("alpha==99\n", 21, "at fault: requirements.txt, line 1: alpha==99\n"),
        ("alpha=1\n", 20, "ERROR environment: requirements.txt, line 1: 'alpha=1' is not a requirement ("),
    ],
)
def test_exit_code(tmp_path: Path, index: str, requirements: str, code: int, message: str) -> None:
    process = making.verb("environment", making.model(tmp_path / "model", requirements), tmp_path / "env")
    _, said = process.communicate()
    assert process.returncode == code
    assert message in said
    assert "Traceback" not in said


def test_two_pods_build_the_same_into_one_cache(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "beta\n")
    processes = [
        making.verb("environment", model, tmp_path / name, ENVIRONMENT_CACHE=str(tmp_path / "cache"))
        for name in ("one", "two")
    ]
    assert [(process.communicate()[1], process.returncode)[1] for process in processes] == [0, 0]
    finals = {(tmp_path / name / "current").readlink() for name in ("one", "two")}
    assert len(finals) == 1
    assert sorted((tmp_path / "cache").iterdir()) == sorted([*finals, tmp_path / "cache" / "bytecode"])
    assert making.run(finals.pop() / "bin" / "python", "import beta; print(beta.SAYS)") == "1.0"


def test_pod_that_is_deleted_while_it_builds(tmp_path: Path, served: Index) -> None:
    served.held.clear()
    model = making.model(tmp_path / "model", "alpha\n")
    process = making.verb("environment", model, tmp_path / "env", UV_DEFAULT_INDEX=served.url(CREDENTIALS))
    assert served.asked.wait(60)
    assert list((tmp_path / "env").iterdir()) != []
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    process.communicate()
    assert list((tmp_path / "env").iterdir()) == []


def test_lock_to_a_file_and_printed(tmp_path: Path, index: str) -> None:
    model = making.model(tmp_path / "model", "beta\n")
    written = making.verb("lock", model, "-o", tmp_path / "requirements.lock", "--python", "3.12")
    printed = making.verb("lock", model, "--python", "3.12")
    said, _ = printed.communicate()
    written.communicate()
    assert (written.returncode, printed.returncode) == (0, 0)
    assert (tmp_path / "requirements.lock").read_text() == said
    assert requirements_lock.read(tmp_path / "requirements.lock").pythons == ("3.12",)
