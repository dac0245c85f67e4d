"""The gRPC interface of a served model: its services, its answers, and what it says to bad input."""

from __future__ import annotations

import json
import re

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from server.protocol.proto import prediction_pb2 as pb
from server.protocol.proto.prediction_pb2 import DefaultData, Feedback, Meta, SeldonMessage, Tensor
from tests.project import MODELS
from tests.server.api.test_rest import CLASSES, FEATURES, ROWS, SCALED, SCORES, close
from tests.server.running_server import IMAGE, serving

pytestmark = pytest.mark.xdist_group("grpc")

SERVICES = sorted(service.full_name for service in pb.DESCRIPTOR.services_by_name.values())
PATH = {"model": IMAGE}
LIMIT = 100_000


class Client:
    """Calls of a served node's methods by their names."""

    def __init__(self, channel):
        self.channel = channel

    def raw(self, method, body, **options):
        return self.channel.unary_unary(f"/seldon.protos.{method}")(body, timeout=30, **options)

    def call(self, method, message):
        return SeldonMessage.FromString(self.raw(method, message.SerializeToString()))

    def refused(self, method, body):
        with pytest.raises(grpc.RpcError) as caught:
            self.raw(method, body)
        return caught.value.code(), caught.value.details()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    with (
        serving(
            folder,
            MODELS / "iris_svm_model",
            xtype="DataFrame",
            predict_method="decision_function",
            environ={"SERVER_GRPC_MAX_MESSAGE_BYTES": str(LIMIT)},
        ) as served,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel,
    ):
        yield Client(channel)


@pytest.fixture(scope="module")
def scaler(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scaler")
    with (
        serving(
            folder,
            MODELS / "iris_preprocessor_model",
            environ={
                "SERVICE_TYPE": "TRANSFORMER",
                "SERVER_GRPC_MAX_MESSAGE_BYTES": str(LIMIT),
                "MODEL_METADATA": json.dumps({"inputs": [{"shape": ["wide"]}]}),
            },
        ) as served,
        grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel,
    ):
        yield Client(channel)


def tensor(rows=ROWS, **fields):
    array = np.array(rows)
    sent = Tensor(shape=array.shape, values=array.ravel().tolist())
    return SeldonMessage(data=DefaultData(names=FEATURES, tensor=sent), **fields)


def ndarray(rows=ROWS, names=FEATURES):
    values = ListValue()
    values.extend(rows)
    return SeldonMessage(data=DefaultData(names=names, ndarray=values))


def table(message):
    found = message.data.tensor
    return np.reshape(found.values, found.shape).tolist()


@pytest.mark.parametrize("method", ["Model/Predict", "Seldon/Predict"])
def test_the_model_answers_by_the_method_that_it_was_given(model, method):
    answer = model.call(method, tensor())
    assert list(answer.data.names) == CLASSES
    assert table(answer) == close(SCORES)
    assert dict(answer.meta.requestPath) == PATH


def test_an_ndarray_is_answered_by_an_ndarray(model):
    answer = model.call("Model/Predict", ndarray())
    assert [list(row) for row in answer.data.ndarray] == close(SCORES)


@pytest.mark.parametrize(
    "method",
    [
        *("Seldon/Predict", "Transformer/TransformInput", "OutputTransformer/TransformOutput"),
        *("Generic/TransformInput", "Generic/TransformOutput"),
    ],
)
def test_a_scaler_is_served_by_transform(scaler, method):
    answer = scaler.call(method, tensor())
    assert list(answer.data.names) == FEATURES
    assert table(answer) == close(SCALED)


def test_mlflows_json_is_a_table(model):
    value = Struct()
    value.update({"dataframe_split": {"columns": FEATURES, "data": ROWS}})
    answer = model.call("Model/Predict", SeldonMessage(jsonData=Value(struct_value=value)))
    assert table(answer) == close(SCORES)


def test_meta_of_the_request_goes_on(scaler):
    meta = Meta(puid="abc", tags={"a": Value(number_value=1)}, requestPath={"before": "other"})
    answer = scaler.call("Model/Predict", tensor(meta=meta))
    assert answer.meta.puid == "abc"
    assert answer.meta.tags["a"].number_value == 1
    assert dict(answer.meta.requestPath) == {"before": "other", **PATH}


PUIDS = {
    "meta": ("abc", (), "abc"),
    "header": ("", (("seldon-puid", "def"),), "def"),
    "meta-before-header": ("abc", (("seldon-puid", "def"),), "abc"),
    "not-for-a-header": ("a\r\nset-cookie: b", (("seldon-puid", "def"),), "def"),
}


@pytest.mark.parametrize(("puid", "metadata", "wanted"), PUIDS.values(), ids=PUIDS)
def test_the_puid_is_in_the_headers(model, puid, metadata, wanted):
    body = tensor(meta=Meta(puid=puid)).SerializeToString()
    method = model.channel.unary_unary("/seldon.protos.Seldon/Predict")
    _, call = method.with_call(body, metadata=metadata, timeout=30)
    assert dict(call.initial_metadata())["seldon-puid"] == wanted


def test_a_request_without_puid_gets_one(model):
    method = model.channel.unary_unary("/seldon.protos.Seldon/Predict")
    ids = {
        dict(method.with_call(tensor().SerializeToString(), timeout=30)[1].initial_metadata())["seldon-puid"]
        for _ in range(2)
    }
    assert [len(one) for one in ids] == [36, 36]


@pytest.mark.parametrize("service", ["Seldon", "Model", "Router", "Generic"])
def test_feedback_is_taken(model, service):
    sent = Feedback(
        request=SeldonMessage(meta=Meta(puid="p"), data=DefaultData(ndarray=ListValue())), reward=1
    )
    answer = model.call(f"{service}/SendFeedback", sent)
    assert answer.data.WhichOneof("data_oneof") == "ndarray"
    assert (answer.meta.puid, dict(answer.meta.requestPath)) == ("p", PATH)


@pytest.mark.parametrize("method", ["Model/Metadata", "Seldon/ModelMetadata"])
def test_metadata(model, method):
    said = pb.SeldonModelMetadata.FromString(model.raw(method, b""))
    assert (said.name, said.platform) == ("model", "sklearn")
    assert said.versions[0].startswith("sha256:")
    assert list(said.inputs[0].schema.struct_value["names"]) == FEATURES


BAD = {
    "malformed": (
        b"\xff",
        "the bytes are no seldon.protos.SeldonMessage: Error parsing message with type "
        "'seldon.protos.SeldonMessage': Wire format was corrupt",
    ),
    "ragged": (
        ndarray([[1, 2, 3, 4], [1, 2]]).SerializeToString(),
        "data.ndarray row 1 has 2 values, row 0 has 4: rows must be of equal length",
    ),
    "wrong-width": (
        tensor([[1.0, 2.0, 3.0]]).SerializeToString(),
        "data.names has 4 names, the rows have 3 values: there must be a name a column",
    ),
}


@pytest.mark.parametrize(("sent", "details"), BAD.values(), ids=BAD)
def test_bad_input_is_an_invalid_argument_that_says_why(model, sent, details):
    assert model.refused("Seldon/Predict", sent) == (grpc.StatusCode.INVALID_ARGUMENT, details)


NOT_HERE = {
    "Router/Route": "this node is a MODEL, not a ROUTER",
    "Combiner/Aggregate": "this node is a MODEL, not a COMBINER",
    "Generic/Route": "this node is a MODEL, not a ROUTER",
    "Generic/Aggregate": "this node is a MODEL, not a COMBINER",
    "Seldon/GraphMetadata": "a node does not know its graph: ask the orchestrator, or ModelMetadata for the model",
    "Model/Nothing": "Method not found!",
}


@pytest.mark.parametrize(("method", "details"), NOT_HERE.items(), ids=NOT_HERE)
def test_what_the_node_does_not_do_is_unimplemented(model, method, details):
    assert model.refused(method, b"") == (grpc.StatusCode.UNIMPLEMENTED, details)


def test_a_gap_that_the_model_refuses_is_an_invalid_argument(model):
    code, details = model.refused(
        "Model/Predict", tensor([[1.0, 2.0, 3.0, float("nan")]]).SerializeToString()
    )
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith("the model cannot take the request: Input X contains NaN.\n")


def test_a_message_over_the_limit_is_refused(model):
    code, details = model.refused("Model/Predict", b"x" * (LIMIT + 1))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details.endswith(f"message larger than max ({LIMIT + 1} vs. {LIMIT})")


def test_an_answer_over_the_limit_is_refused(scaler):
    # The answer has the node's requestPath beside.
    sent = tensor([[1.0] * 4] * (LIMIT // 32 - 4)).SerializeToString()
    assert LIMIT - 50 < len(sent) < LIMIT
    code, details = scaler.refused("Seldon/Predict", sent)
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert re.fullmatch(
        rf"the answer has 100\d\d\d bytes: the limit is {LIMIT}; send fewer rows at a time, "
        "or raise SERVER_GRPC_MAX_MESSAGE_BYTES",
        details,
    )


def test_a_reason_that_is_too_long_for_a_header_is_cut(model):
    names = [f"{index}é" * 50 for index in range(100)]
    code, details = model.refused("Model/Predict", ndarray([[1.0] * 100], names).SerializeToString())
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith("data.names lacks 'sepal length (cm)'")
    assert 1990 <= len(details.encode()) <= 2000


def test_health_is_that_of_the_model(model):
    stub = HealthStub(model.channel)
    for service in ("", *SERVICES):
        assert (
            stub.Check(HealthCheckRequest(service=service), timeout=30).status == HealthCheckResponse.SERVING
        )
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(HealthCheckRequest(service="nothing"), timeout=30)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    watching = stub.Watch(HealthCheckRequest(service="nothing"), timeout=30)
    assert next(watching).status == HealthCheckResponse.SERVICE_UNKNOWN
    watching.cancel()


def test_more_clients_than_may_watch_the_health_keep_nobody_from_asking(model):
    stub = HealthStub(model.channel)
    watching = [stub.Watch(HealthCheckRequest(), timeout=60) for _ in range(100)]
    assert {next(each).status for each in watching} == {HealthCheckResponse.SERVING}
    with pytest.raises(grpc.RpcError) as caught:
        next(stub.Watch(HealthCheckRequest(), timeout=60))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.details() == "100 clients watch the health: no more may"
    assert stub.Check(HealthCheckRequest(), timeout=30).status == HealthCheckResponse.SERVING
    assert model.call("Model/Predict", tensor()).data.tensor.shape
    for each in watching:
        each.cancel()


def reflected(channel, **request):
    stub = ServerReflectionStub(channel)
    return next(iter(stub.ServerReflectionInfo(iter([ServerReflectionRequest(**request)]), timeout=30)))


def test_reflection_tells_the_services_and_their_messages(model):
    listed = reflected(model.channel, list_services="").list_services_response.service
    extra = [
        "grpc.health.v1.Health",
        "inference.GRPCInferenceService",
        "grpc.reflection.v1alpha.ServerReflection",
    ]
    assert sorted(service.name for service in listed) == sorted([*SERVICES, *extra])
    files = reflected(model.channel, file_containing_symbol="seldon.protos.Seldon").file_descriptor_response
    described = [FileDescriptorProto.FromString(file) for file in files.file_descriptor_proto]
    assert "seldon.protos" in {file.package for file in described}
    found = reflected(model.channel, file_containing_symbol="inference.GRPCInferenceService")
    assert found.file_descriptor_response.file_descriptor_proto


def test_metadata_that_has_no_form_in_the_protocol_is_an_internal_error(scaler):
    code, details = scaler.refused("Model/Metadata", b"")
    assert code == grpc.StatusCode.INTERNAL
    assert details.startswith("the model's metadata is no seldon.protos.SeldonModelMetadata: ")
