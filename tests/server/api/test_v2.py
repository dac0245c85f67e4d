"""The Open Inference Protocol (v2) of served models, over REST and gRPC: the same answers, and what bad input is told."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager

import grpc
import numpy as np
import pytest

from server.protocol.v2 import inference_pb2 as pb
from server.protocol.v2.tensor import from_bytes, to_bytes
from tests.polling import wait_for
from tests.project import MODELS
from tests.server.api.test_rest import FEATURES, ROWS, SCORES, close
from tests.server.api.typed import COLUMNS, echo
from tests.server.pickled import pickled
from tests.server.running_server import serving

pytestmark = pytest.mark.xdist_group("v2")

INFER = "/v2/models/model/infer"
SERVICE = "inference.GRPCInferenceService"
TABLE = {"inputs": [{"name": "rows", "shape": [2, 4], "datatype": "FP64", "data": ROWS}]}
BY_NAME = {
    "inputs": [
        {"name": name, "shape": [2, 1], "datatype": "FP64", "data": [row[index] for row in ROWS]}
        for index, name in reversed(list(enumerate(FEATURES)))
    ]
}
TYPED = {
    "inputs": [
        {"name": "at", "shape": [2, 1], "datatype": "BYTES", "data": ["2026-01-31T12:00:00", "2026-02-01"]},
        {"name": "size", "shape": [2], "datatype": "FP32", "data": [1.5, None]},
        {"name": "count", "shape": [2], "datatype": "INT32", "data": [1, 2]},
        {"name": "color", "shape": [2], "datatype": "BYTES", "data": ["rot", "ä"]},
        {"name": "new", "shape": [2], "datatype": "BOOL", "data": [True, False]},
    ]
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with serving(
        tmp_path_factory.mktemp("model"),
        MODELS / "iris_svm_model",
        xtype="auto",
        predict_method="decision_function",
    ) as served:
        yield served


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("typed")
    with serving(folder, echo(folder, COLUMNS), xtype="DataFrame") as served:
        yield served


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A model without a signature."""
    folder = tmp_path_factory.mktemp("bare")
    with serving(folder, echo(folder, None)) as served:
        yield served


@contextmanager
def calling(served):
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:

        def call(method, message, answer):
            unary = channel.unary_unary(
                f"/{SERVICE}/{method}",
                request_serializer=type(message).SerializeToString,
                response_deserializer=answer.FromString,
            )
            return unary(message, timeout=30)

        yield call


def outputs(response):
    assert response.status_code == 200, response.text
    return {tensor["name"]: tensor for tensor in response.json()["outputs"]}


@pytest.mark.parametrize("message", [TABLE, BY_NAME], ids=["table", "columns by name"])
def test_the_model_answers(model, message):
    response = model.post(INFER, {"id": "a-1", **message})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["seldon-puid"] == "a-1"
    (found,) = outputs(response).values()
    assert response.json() == {
        "model_name": "model",
        "id": "a-1",
        "outputs": [
            {
                "name": "output-1",
                "datatype": "FP64",
                "shape": [2, 3],
                "parameters": {"content_type": "np"},
                "data": found["data"],
            }
        ],
    }
    assert np.reshape(found["data"], (2, 3)).tolist() == close(SCORES)


def test_any_model_name_is_answered_and_a_version_that_it_has(model):
    digest = model.client.get("/v2/models/model").json()["versions"][0]
    response = model.post(f"/v2/models/any-other/versions/{digest}/infer", TABLE)
    assert (response.json()["model_name"], response.json()["model_version"]) == ("any-other", digest)
    for path in ("/v2/models/model/versions/7/infer", "/v2/models/model/versions/7/ready"):
        response = model.post(path, TABLE) if path.endswith("infer") else model.client.get(path)
        assert response.status_code == 404
        assert response.json() == {"error": f"there is no version '7' of the model: there is {digest}"}


def test_columns_of_all_types_keep_them(typed):
    response = typed.post(INFER, TYPED)
    found = outputs(response)
    assert {
        name: (tensor["datatype"], tensor["shape"], tensor["data"]) for name, tensor in found.items()
    } == {
        "size": ("FP64", [2, 1], [1.5, None]),
        "count": ("INT64", [2, 1], [1, 2]),
        "color": ("BYTES", [2, 1], ["rot", "ä"]),
        "new": ("BOOL", [2, 1], [True, False]),
        "at": ("BYTES", [2, 1], ["2026-01-31T12:00:00", "2026-02-01T00:00:00"]),
    }


def test_the_client_selects_and_orders_outputs(typed):
    wanted = [{"name": "new"}, {"name": "size"}]
    response = typed.post(INFER, {**TYPED, "outputs": wanted})
    assert [tensor["name"] for tensor in response.json()["outputs"]] == ["new", "size"]
    response = typed.post(INFER, {**TYPED, "outputs": [{"name": "price"}]})
    assert response.status_code == 400
    assert response.json()["error"].startswith(
        "there is no output 'price': the model's are 'size', 'count', "
    )


def test_raw_bytes_go_both_ways(model):
    table = np.array(ROWS)
    head = {
        "inputs": [
            {
                "name": "rows",
                "shape": [2, 4],
                "datatype": "FP64",
                "parameters": {"binary_data_size": table.nbytes},
            }
        ],
        "parameters": {"binary_data_output": True},
    }
    sent = json.dumps(head).encode()
    response = model.post(
        INFER,
        sent + to_bytes(table),
        headers={
            "inference-header-content-length": str(len(sent)),
            "content-type": "application/octet-stream",
        },
    )
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/octet-stream"
    end = int(response.headers["inference-header-content-length"])
    (tensor,) = json.loads(response.content[:end])["outputs"]
    assert tensor["parameters"]["binary_data_size"] == len(response.content) - end == 48
    values = from_bytes("", tensor["datatype"], tensor["shape"], response.content[end:])
    assert values.tolist() == close(SCORES)


def test_tensors_of_a_model_without_a_signature_are_taken_as_they_are(bare):
    cube = np.arange(12, dtype="int16").reshape(2, 3, 2)
    message = {
        "inputs": [{"name": "x", "shape": [2, 3, 2], "datatype": "INT16", "data": cube.ravel().tolist()}]
    }
    (found,) = outputs(bare.post(INFER, message)).values()
    assert (found["datatype"], found["shape"], found["data"]) == ("INT16", [2, 3, 2], cube.ravel().tolist())


def test_text_goes_both_ways_as_raw_bytes(bare):
    words = np.array([["rot", "ä"]], dtype=object)
    content = to_bytes(words)
    parameters = {"binary_data_size": len(content)}
    head = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "BYTES", "parameters": parameters}]}
    head["outputs"] = [{"name": "output-1", "parameters": {"binary_data": True}}]
    sent = json.dumps(head).encode()
    response = bare.post(INFER, sent + content, headers={"inference-header-content-length": str(len(sent))})
    assert response.status_code == 200, response.text
    end = int(response.headers["inference-header-content-length"])
    assert response.content[end:] == content


def test_metadata_and_health(typed):
    get = typed.client.get
    assert get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert get("/v2/health/live").json() == {"live": True}
    assert get("/v2/health/ready").json() == {"ready": True}
    assert get("/v2/models/model/ready").json() == {"ready": True}
    found = get("/v2/models/model").json()
    assert found["inputs"] == [
        {"name": "size", "datatype": "FP64", "shape": [-1, 1]},
        {"name": "count", "datatype": "INT64", "shape": [-1, 1]},
        {"name": "color", "datatype": "BYTES", "shape": [-1, 1], "parameters": {"content_type": "str"}},
        {"name": "new", "datatype": "BOOL", "shape": [-1, 1]},
        {"name": "at", "datatype": "BYTES", "shape": [-1, 1], "parameters": {"content_type": "datetime"}},
    ]
    assert found["outputs"] == found["inputs"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"", "the body is empty: send an inference request"),
        (b"{", "the body is not JSON: "),
        ({}, "inputs is null: it must be a list of tensors"),
        ({"inputs": []}, "inputs is []: it must be a list of tensors"),
        (
            {"inputs": [{"shape": [1], "datatype": "FP64", "data": [1]}]},
            "inputs[0].name is null: it must be a",
        ),
        ({"inputs": [*BY_NAME["inputs"], BY_NAME["inputs"][0]]}, "input 'petal width (cm)' is there twice"),
        ({"inputs": BY_NAME["inputs"][:2]}, "sepal"),
        ({**TABLE, "parameters": {"method": "predict"}}, "the parameter method cannot be sent"),
        (
            {**TABLE, "parameters": {"content_type": "hg_json"}},
            'the content_type of the request is "hg_json"',
        ),
        (
            {"inputs": [{"name": "x", "shape": [0, 4], "datatype": "FP64", "data": []}]},
            "input 'x' has no values",
        ),
        (
            {"inputs": [{"name": "x", "shape": [2**63 - 1, 0], "datatype": "FP64", "data": []}]},
            "input 'x' has 9223372036854775807 elements: it may have 4194304",
        ),
        ({**TABLE, "id": 7}, "id is 7: it must be a string"),
        ({**TABLE, "outputs": ["a"]}, 'outputs[0] is "a": it must be a JSON object'),
    ],
)
def test_what_is_wrong_is_refused_with_a_message(model, message, words):
    response = model.post(INFER, message)
    assert response.status_code == 400
    assert list(response.json()) == ["error"]
    assert words in response.json()["error"]


def test_a_length_header_that_is_no_length_is_refused(model):
    headers = {"inference-header-content-length": "1" * 5000}
    response = model.post(INFER, TABLE, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"].startswith("Inference-Header-Content-Length is")


def test_an_error_has_the_id_that_the_log_has(model):
    given = model.post(INFER, {}, headers={"seldon-puid": "mine"})
    assert given.headers["seldon-puid"] == "mine"
    made = model.post("/predict", {})
    assert re.fullmatch(r"[0-9a-f-]{36}", made.headers["seldon-puid"])
    wait_for(lambda: f"puid={made.headers['seldon-puid']}" in model.log.read_text())


def test_an_id_that_is_null_is_none(model):
    assert model.post(INFER, {**TABLE, "id": None}).status_code == 200


def test_metadata_names_the_output_that_comes(model):
    (output,) = model.client.get("/v2/models/model").json()["outputs"]
    assert output == {"name": "output-1", "datatype": "FP64", "shape": [-1, 3]}


def test_a_dict_is_an_output_for_each_entry(tmp_path):
    source = "class Model:\n    def predict(self, given):\n        return {'sum': given.sum(axis=1), 'of': ['a', 'b'], 'at': 'x'}\n"
    with serving(tmp_path, pickled(tmp_path / "dict", source)) as served:
        message = {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [1, 2, 3, 4]}]}
        found = outputs(served.post(INFER, message))
    assert {name: (each["datatype"], each["shape"], each["data"]) for name, each in found.items()} == {
        "sum": ("FP64", [2, 1], [3.0, 7.0]),
        "of": ("BYTES", [2, 1], ["a", "b"]),
        "at": ("BYTES", [1, 1], ["x"]),
    }


def test_an_unknown_path_and_method_are_told_so(model):
    response = model.client.get("/v2/model/x")
    assert response.status_code == 404
    assert "the server has /v2, /v2/health/live" in response.json()["error"]
    assert model.client.get(INFER).status_code == 405


@pytest.mark.parametrize("raw", [False, True], ids=["contents", "raw contents"])
def test_grpc_has_the_same_answer(model, raw):
    tensor = pb.ModelInferRequest.InferInputTensor(name="rows", datatype="FP64", shape=[2, 4])
    message = pb.ModelInferRequest(model_name="model", id="a-1")
    if raw:
        message.raw_input_contents.append(to_bytes(np.array(ROWS)))
    else:
        tensor.contents.fp64_contents.extend(np.ravel(ROWS))
    message.inputs.append(tensor)
    with calling(model) as call:
        answer = call("ModelInfer", message, pb.ModelInferResponse)
    (output,) = answer.outputs
    assert (answer.model_name, answer.id, output.name, output.datatype) == (
        "model",
        "a-1",
        "output-1",
        "FP64",
    )
    if raw:
        values = from_bytes("", "FP64", list(output.shape), answer.raw_output_contents[0])
    else:
        values = np.reshape(output.contents.fp64_contents, output.shape)
    assert values.tolist() == close(SCORES)


def test_grpc_has_metadata_and_health(typed):
    with calling(typed) as call:
        assert call("ServerLive", pb.ServerLiveRequest(), pb.ServerLiveResponse).live
        assert call("ServerReady", pb.ServerReadyRequest(), pb.ServerReadyResponse).ready
        assert call("ModelReady", pb.ModelReadyRequest(name="model"), pb.ModelReadyResponse).ready
        found = call("ServerMetadata", pb.ServerMetadataRequest(), pb.ServerMetadataResponse)
        assert list(found.extensions) == ["binary_tensor_data"]
        found = call("ModelMetadata", pb.ModelMetadataRequest(name="model"), pb.ModelMetadataResponse)
        assert [(each.name, each.datatype, list(each.shape)) for each in found.inputs][:2] == [
            ("size", "FP64", [-1, 1]),
            ("count", "INT64", [-1, 1]),
        ]
        with pytest.raises(grpc.RpcError) as caught:
            call("ModelReady", pb.ModelReadyRequest(name="model", version="7"), pb.ModelReadyResponse)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        with pytest.raises(grpc.RpcError) as caught:
            call("ModelStreamInfer", pb.ModelInferRequest(), pb.ModelInferResponse)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("entry", "raw", "words"),
    [
        (
            {"datatype": "FP16", "shape": [1]},
            (),
            "FP16, which has no contents: send it in raw_input_contents",
        ),
        (
            {"datatype": "FP64", "shape": [1], "contents": {"int_contents": [1]}},
            (),
            "has int_contents: FP64 must be in",
        ),
        (
            {"datatype": "INT8", "shape": [1], "contents": {"int_contents": [300]}},
            (),
            "has 300, which is no INT8",
        ),
        ({"datatype": "FP64", "shape": [2], "contents": {"fp64_contents": [1]}}, (), "has 1 elements"),
        ({"datatype": "FP64", "shape": [2**62, 0]}, (b"",), "elements: it may have 4194304"),
        ({"datatype": "FP64", "shape": [0]}, (b"",), "has no values: send at least one row"),
        ({"datatype": "FP64", "shape": [1]}, (b"1",), "has 1 bytes: FP64 of the shape [1] has 8"),
        ({"datatype": "FP64", "shape": [1]}, (b"", b""), "raw_input_contents has 2 entries"),
    ],
)
def test_what_is_wrong_over_grpc_is_refused_with_a_message(bare, entry, raw, words):
    message = pb.ModelInferRequest(inputs=[{"name": "x", **entry}], raw_input_contents=raw)
    with calling(bare) as call, pytest.raises(grpc.RpcError) as caught:
        call("ModelInfer", message, pb.ModelInferResponse)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in caught.value.details()
    assert dict(caught.value.trailing_metadata())["seldon-puid"]


NESTED = [
    {"name": "size", "type": "double", "required": True},
    {"name": "parts", "type": "array", "items": {"type": "double"}, "required": True},
    {"name": "owner", "type": "object", "properties": {"name": {"type": "string"}}, "required": False},
]
ELSEWHERE = "arrays of several lengths, objects and maps go to /invocations or /api/v1.0/predictions"


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nested")
    with serving(folder, echo(folder, NESTED), xtype="DataFrame") as served:
        yield served


def column(name, datatype, shape, data):
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


SIZES = column("size", "FP64", [2], [1.5, 2.5])


@pytest.mark.parametrize("length", [1, 3])
def test_arrays_of_one_length_are_a_tensor(nested, length):
    parts = column("parts", "FP64", [2, length], [0.5] * 2 * length)
    response = nested.post("/v2/models/m/infer", {"inputs": [SIZES, parts]})
    assert response.status_code == 200, response.text
    (_, answered) = response.json()["outputs"]
    assert [json.loads(cell) for cell in answered["data"]] == [[0.5] * length] * 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            column("parts", "BYTES", [2], ["[0.5]", "[1.5, 2.5]"]),
            "input 'parts' has the shape [2]: the column 'parts' has an array in each row, so it must be [rows, length]; ",
        ),
        (
            column("owner", "BYTES", [2, 1], ['{"name": "a"}', '{"name": "b"}']),
            "input 'owner' has the shape [2, 1]: the column 'owner' has an object in each row, which the protocol has no "
            "datatype for; ",
        ),
    ],
    ids=["array", "object"],
)
def test_a_column_without_a_datatype_is_named_and_where_it_can_go(nested, given, said):
    response = nested.post("/v2/models/m/infer", {"inputs": [SIZES, given]})
    assert response.status_code == 400
    assert response.json()["error"] == said + ELSEWHERE


def test_the_codec_of_objects_is_refused(nested):
    given = {**column("owner", "BYTES", [1], ["{}"]), "parameters": {"content_type": "hg_json"}}
    response = nested.post("/v2/models/m/infer", {"inputs": [given]})
    assert response.json()["error"].endswith(f"it must be one of np, pd, str, base64, datetime; {ELSEWHERE}")


def test_metadata_has_arrays_as_tensors(nested):
    inputs = nested.client.get("/v2/models/m").json()["inputs"]
    assert {"name": "parts", "datatype": "FP64", "shape": [-1, -1]} in inputs


def test_messages_name_the_inputs(nested):
    response = nested.post("/v2/models/m/infer", {"inputs": [SIZES]})
    assert response.json()["error"] == (
        "inputs lacks 'parts': the model's signature has the columns 'size', 'parts', 'owner'"
    )


def test_a_wrong_path_is_told_every_protocol(nested):
    said = nested.client.get("/v3").json()["status"]["info"]
    assert said.startswith("/v3: there is no such path; the server has /aggregate, ")
    assert "/v2/models/{name}/infer" in said
    assert said.endswith("/health, /invocations, /ping, /version")
