"""The call that a pod makes over gRPC, made here: to the server, and to one of grpcio."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from server.protocol.proto.prediction_pb2 import SeldonMessage
from tests.cluster.helper import CALL
from tests.project import MODELS, ROOT
from tests.server.running_server import IMAGE, serving


def called(target, message, metadata=None):
    command = [sys.executable, "-c", CALL, target, json.dumps(message), json.dumps(metadata or {})]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)


@pytest.mark.long
def test_the_server_answers_it(tmp_path):
    rows = [[6.8, 2.8, 4.8, 1.4]]
    with serving(tmp_path, MODELS / "iris_preprocessor_model") as served:
        target = f"127.0.0.1:{served.grpc_port}"
        answer = json.loads(called(target, {"data": {"ndarray": rows}}).stdout)
        refused = called(target, {"data": {"ndarray": [[1]]}})
    assert answer["meta"] == {"requestPath": {"model": IMAGE}}
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{target} answers INVALID_ARGUMENT: ")


@pytest.mark.parametrize("size", [1, 30_000])
def test_another_server_answers_it(size):
    def predict(request, context):
        assert dict(context.invocation_metadata())["seldon"] == "this"
        return SeldonMessage(strData=request.strData[::-1])

    handler = grpc.unary_unary_rpc_method_handler(
        predict, SeldonMessage.FromString, SeldonMessage.SerializeToString
    )
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("seldon.protos.Seldon", {"Predict": handler})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        done = called(f"127.0.0.1:{port}", {"strData": "ab" * size}, {"seldon": "this"})
    finally:
        server.stop(None)
    assert json.loads(done.stdout) == {"strData": "ba" * size}
