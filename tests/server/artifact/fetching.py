"""The iris model, HTTP servers on loopback, and what is in a folder."""

from __future__ import annotations

import ssl
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme

from server.telemetry.start_record import FETCH
from tests.project import MODELS

MODEL = MODELS / "iris_svm_model"
DIGEST = "sha256:d4ed06fbedb0687477f0b49bf24cc38547a4c087ec8e0d734e86c4fadf998c37"
FILES = [
    "MLmodel",
    "conda.yaml",
    "input_example.json",
    "model.skops",
    "python_env.yaml",
    "requirements.txt",
    "serving_input_example.json",
]


AUTHORITY = trustme.CA()


@contextmanager
def answering(answer, *, tls=False):
    """Run an HTTP server on loopback whose requests are handled by ``answer(handler)``.

    With ``tls`` its certificate is AUTHORITY's.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            answer(self)

        def do_POST(self):
            self.body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            answer(self)

        def log_message(self, *_):
            pass

        def send(self, body, status=200, **headers):
            self.send_response(status)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            for name, value in {"Content-Length": str(len(body)), **named}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            # A client that has gone away is what some tests are about.
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def content(folder):
    """Return the names and bytes of the files below ``folder``, hidden ones too, but for what fetch tells the server."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / FETCH
    }


def names(folder):
    """Return the sorted names of what lies in ``folder``, hidden ones too, but for what fetch tells the server."""
    return sorted(path.name for path in folder.iterdir() if path.name != FETCH)
