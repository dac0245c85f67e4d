"""The Open Inference Protocol beside MLServer's, of the same model, by Triton's own clients."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from benchmarks.serving import environments, peers
from benchmarks.serving.peer import HOST, running
from benchmarks.serving.rows import METHOD, MODEL
from tests.project import ROOT
from tests.server.api.test_v2 import COLUMNS, TYPED
from tests.server.api.typed import echo
from tests.server.running_server import Served, serving

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("conformance")]

WAYS = ("json", "raw bytes", "grpc")


def generated(count: int) -> list[dict[str, object]]:
    """Return tables of as many numbers of rows, of several datatypes, the same each time."""
    numbers = np.random.default_rng(7)
    messages = []
    for number in range(count):
        datatype = ("FP64", "FP32", "INT64", "INT32", "UINT8")[number % 5]
        rows = int(numbers.integers(1, 40))
        cells = numbers.uniform(0, 8, (rows, 4)).round(1 if datatype.startswith("FP") else 0)
        data = cells.ravel().tolist() if datatype.startswith("FP") else cells.astype(int).ravel().tolist()
        tensor = {"name": "x", "shape": [rows, 4], "datatype": datatype, "data": data}
        messages.append({"inputs": [tensor], "outputs": []})
    return messages


def ask(
    http: int, grpc: int, model: str, messages: list[dict[str, object]]
) -> list[dict[str, dict[str, object]]]:
    """Return what tritonclient is answered, by its ways."""
    wanted = {"http": f"{HOST}:{http}", "grpc": f"{HOST}:{grpc}", "model": model, "messages": messages}
    client = [str(environments.python("mlserver")), str(ROOT / "tests" / "conformance" / "v2_client.py")]
    done = subprocess.run(client, input=json.dumps(wanted), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def svm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("svm"), MODEL, xtype="ndarray", predict_method=METHOD) as served:
        yield served


def test_it_answers_as_mlserver_does(svm):
    """In JSON and over gRPC: MLServer 1.7.1 does not understand the raw bytes of its own release of tritonclient."""
    messages = generated(200)
    with running(peers.mlserver("MLServer", {"MLSERVER_PARALLEL_WORKERS": "0"})) as peer:
        theirs = answers(peer.ports.http, peer.ports.grpc, messages)
    for message, own, other in zip(
        messages, answers(svm.client.base_url.port, svm.grpc_port, messages), theirs, strict=True
    ):
        assert own.keys() == other.keys()
        for way in own:
            mine, its = own[way], other[way]
            assert (mine["type"], mine["shape"]) == (its["type"], its["shape"]), (way, message)
            np.testing.assert_allclose(mine["data"], its["data"], rtol=0, atol=1e-6, err_msg=str(message))


def answers(http: int, grpc: int, messages: list[dict[str, object]]) -> list[dict[str, dict[str, object]]]:
    """Return what is answered in JSON and over gRPC."""
    found = []
    for message, by_client in zip(messages, ask(http, grpc, "iris", messages), strict=True):
        response = httpx.post(
            f"http://{HOST}:{http}/v2/models/iris/infer", json={"inputs": message["inputs"]}, timeout=60
        )
        (output,) = response.json()["outputs"]
        (tensor,) = by_client["grpc"].values()
        found.append(
            {
                "json": {"type": output["datatype"], "shape": output["shape"], "data": output["data"]},
                "grpc": {"type": tensor["dtype"], "shape": tensor["shape"], "data": tensor["data"]},
            }
        )
    return found


def test_columns_of_all_types_come_back_by_each_way(tmp_path):
    tensors = [
        {**tensor, "data": [value if value is not None else 2.5 for value in tensor["data"]]}
        for tensor in TYPED["inputs"]
    ]
    message = {"inputs": tensors, "outputs": [column["name"] for column in COLUMNS]}
    with serving(tmp_path, echo(tmp_path, COLUMNS), xtype="DataFrame") as served:
        (answers,) = ask(served.client.base_url.port, served.grpc_port, "model", [message])
    for way in WAYS:
        found = {name: (tensor["shape"], tensor["data"]) for name, tensor in answers[way].items()}
        assert found == {
            "size": ([2, 1], [1.5, 2.5]),
            "count": ([2, 1], [1, 2]),
            "color": ([2, 1], ["rot", "ä"]),
            "new": ([2, 1], [True, False]),
            "at": ([2, 1], ["2026-01-31T12:00:00", "2026-02-01T00:00:00"]),
        }, way


def test_a_refusal_reaches_the_client(svm):
    message = {
        "inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [1.0, 2.0, 3.0]}],
        "outputs": [],
    }
    (answers,) = ask(svm.client.base_url.port, svm.grpc_port, "iris", [message])
    for way in WAYS:
        assert "3" in answers[way]["error"], way
