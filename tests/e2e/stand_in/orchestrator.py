"""A stand-in for Seldon's orchestrator: asks the nodes of a chain one after the other. Runs in a pod by python -I -c.

NODES is a JSON object of the nodes' addresses by name, CALLS a JSON list of pairs of a node and a path.
"""

import http.server
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf.json_format import MessageToJson, Parse

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


def by_grpc(message: SeldonMessage, _: grpc.ServicerContext) -> SeldonMessage:
    return Parse(predict(MessageToJson(message).encode()), SeldonMessage())


def serve_grpc() -> grpc.Server:
    handler = grpc.unary_unary_rpc_method_handler(
        by_grpc, SeldonMessage.FromString, SeldonMessage.SerializeToString
    )
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("seldon.protos.Seldon", {"Predict": handler})]
    )
    server.add_insecure_port("0.0.0.0:5001")
    server.start()
    return server


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
    server = serve_grpc()
    http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
    server.stop(None)


main()
