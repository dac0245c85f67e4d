"""The Sealed Secrets controller behind the API server's proxy, as far as kubeseal asks it; it opens by its real key."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitops.errors import SealFailed
from gitops.seal.unseal import unseal
from tests.gitops.seal.keys import KeyPair

_SERVICES = "/api/v1/namespaces/kube-system/services"
_KUBECONFIG = """\
apiVersion: v1
kind: Config
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
clusters: [{{name: test, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: test, user: {{}}}}]
current-context: test
"""


@contextmanager
def serving(key: KeyPair, kubeconfig: Path) -> Iterator[None]:
    """Answer as the controller with ``key`` does, at the cluster that ``kubeconfig`` names."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == f"{_SERVICES}/sealed-secrets-controller":
                service = {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": {"name": "sealed-secrets-controller", "namespace": "kube-system"},
                    "spec": {"ports": [{"name": "http", "port": 8080}]},
                }
                self._answer(200, json.dumps(service).encode(), "application/json")
            elif self.path.endswith("/proxy/v1/cert.pem"):
                self._answer(200, key.certificate, "application/x-pem-file")
            else:
                self._answer(404, b"")

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                unseal(json.loads(content), key.private_key)
            except SealFailed:
                self._answer(409, b"")
            else:
                self._answer(200, b"")

        def _answer(self, status: int, content: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Say nothing: what a test prints is its failure."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kubeconfig.write_text(_KUBECONFIG.format(port=server.server_port))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()
