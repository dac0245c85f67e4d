"""A stand-in for Seldon's orchestrator: asks the nodes of a chain one after the other. Runs in a pod by python -I -c.

NODES is a JSON object of the nodes' addresses by name, CALLS a JSON list of pairs of a node and a path.
"""

import asyncio
import http.server
import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping

from google.protobuf.json_format import MessageToJson, Parse
from server.edges.grpc.head import Method, Reply

from server.edges.grpc.server import run, shared_by
from server.edges.listen import listen
from server.protocol.proto.prediction_pb2 import SeldonMessage

NODES, CALLS = json.loads(os.environ["NODES"]), json.loads(os.environ["CALLS"])


def ask(node: str, path: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(NODES[node] + path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


def predict(body: bytes) -> bytes:
    for node, path in CALLS:
        body = ask(node, path, body)
    return body


def metadata() -> bytes:
    return json.dumps({"models": {node: json.loads(ask(node, "/metadata")) for node in NODES}}).encode()


async def by_grpc(body: bytes, _: Mapping[str, str]) -> Reply:
    asked = MessageToJson(SeldonMessage.FromString(body)).encode()
    answered = Parse(await asyncio.to_thread(predict, asked), SeldonMessage())
    return Reply(answered.SerializeToString())


async def serve_grpc() -> None:
    methods = {"/seldon.protos.Seldon/Predict": Method(unary=by_grpc)}
    shared = shared_by(methods, 2**24, max_connections=100, idle_seconds=100, read_seconds=30)
    with listen("0.0.0.0", 5001) as sock:
        await run(shared, sock, asyncio.Event(), 0)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(PATHS[self.path])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(lambda: predict(body))

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, made: Callable[[], bytes]) -> None:
        try:
            status, text = 200, made()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except OSError as error:
            status, text = 503, str(error).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


PATHS = {
    "/api/v1.0/metadata": metadata,
    "/ready": lambda: b"".join(ask(node, "/health/status") for node in NODES) and b"{}",
}


def main() -> None:
    threading.Thread(target=asyncio.run, args=(serve_grpc(),), daemon=True).start()
    http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()


main()
