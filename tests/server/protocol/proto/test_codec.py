"""The bytes of a SeldonMessage to a Request, whatever bytes to a Request or a word on why not, an Answer to bytes."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from server.errors import BadData, BadMetadata
from server.ipc.columnar_table import ColumnarTable
from server.mlmodel.load_plan import ARRAY, FRAME, LIST
from server.mlmodel.signature import Column, Schema
from server.protocol.proto.codec import decode, decode_feedback, encode, encode_metadata
from server.protocol.proto.messages import field
from server.protocol.proto.prediction_pb2 import (
    DefaultData,
    Feedback,
    Meta,
    Metric,
    SeldonMessage,
    SeldonModelMetadata,
    Status,
    Tensor,
)
from server.protocol.proto.tensor_pb2 import DataType, TensorProto, TensorShapeProto
from server.schema.arguments import arguments
from server.schema.json_data import tabled
from server.schema.request import Answer, Request

KINDS = ["ndarray", "tensor", "tftensor"]


def rows(*values):
    result = ListValue()
    result.extend(values)
    return result


def body(**fields):
    return SeldonMessage(**fields).SerializeToString()


def data(**fields):
    return body(data=DefaultData(**fields))


def tensor(shape, values):
    return data(tensor=Tensor(shape=shape, values=values))


def test_a_tensor_gets_its_shape_and_names():
    request = decode(data(names=["a", "b"], tensor=Tensor(shape=[2, 2], values=[1.5, 2, 3, 4])))
    assert (request.kind, request.names, request.meta) == ("tensor", ["a", "b"], {})
    assert request.values.dtype == np.float64
    np.testing.assert_array_equal(request.values, [[1.5, 2], [3, 4]])


def test_numbers_that_are_not_packed_are_the_same_tensor():
    packed = Tensor(shape=[3], values=[1.5]).SerializeToString()
    one_by_one = b"".join(b"\x11" + np.float64(value).tobytes() for value in (2, 3))
    message = SeldonMessage(data=DefaultData(tensor=Tensor.FromString(packed + one_by_one)))
    assert decode(message.SerializeToString()).values.tolist() == [1.5, 2, 3]


def test_an_ndarray_of_numbers_is_an_array_and_names_may_be_left_out():
    request = decode(data(ndarray=rows([1, 2], [3, 4])))
    assert (request.kind, request.names) == ("ndarray", None)
    np.testing.assert_array_equal(request.values, [[1.0, 2.0], [3.0, 4.0]])


def test_an_ndarray_of_three_dimensions_is_an_array():
    assert decode(data(ndarray=rows([[1, 2]], [[3, 4]]))).values.shape == (2, 1, 2)


def test_rows_with_strings_and_nulls_stay_as_they_were_sent():
    sent = [["a", 1.0, None, True], ["b", 2.5, "c", False]]
    assert decode(data(ndarray=rows(*sent))).values == sent


def test_a_tftensor_keeps_its_type():
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1), TensorShapeProto.Dim(size=2)])
    request = decode(data(tftensor=TensorProto(dtype=DataType.DT_INT32, tensor_shape=shape, int_val=[1, 2])))
    assert (request.kind, request.values.dtype, request.values.tolist()) == ("tftensor", np.int32, [[1, 2]])


def test_json_text_and_bytes():
    value = Struct()
    value.update({"a": [1, None, {"b": True}]})
    assert decode(body(jsonData=Value(struct_value=value))) == Request(
        "jsonData", {"a": [1.0, None, {"b": True}]}
    )
    assert decode(body(strData="é")) == Request("strData", "é")
    assert decode(body(binData=b"\x00\xff")) == Request("binData", b"\x00\xff")


def test_meta_is_kept():
    meta = Meta(
        puid="p",
        tags={"t": Value(number_value=1)},
        routing={"r": -1},
        requestPath={"node": "image"},
        metrics=[Metric(key="k", type=Metric.TIMER, value=1.5, tags={"a": "b"})],
    )
    assert decode(body(strData="", meta=meta)).meta == {
        "puid": "p",
        "tags": {"t": 1.0},
        "routing": {"r": -1},
        "requestPath": {"node": "image"},
        "metrics": [{"key": "k", "type": Metric.TIMER, "value": 1.5, "tags": {"a": "b"}}],
    }


PAYLOADS = "it must have data, jsonData, strData or binData; send for instance data with a tensor"
CUSTOM = Any()
CUSTOM.Pack(Status())
REFUSED = {
    "not-a-message": (
        b"\xff",
        "the bytes are no seldon.protos.SeldonMessage: Error parsing message with type "
        "'seldon.protos.SeldonMessage': Wire format was corrupt",
    ),
    "not-utf8": (
        b"\x2a\x01\xff",
        "the bytes are no seldon.protos.SeldonMessage: Error parsing message with type "
        "'seldon.protos.SeldonMessage': String field had bad UTF-8",
    ),
    "empty": (b"", f"the message has no payload: {PAYLOADS}"),
    "custom": (
        body(customData=CUSTOM),
        "the message has customData of type 'type.googleapis.com/seldon.protos.Status': " + PAYLOADS,
    ),
    "no-array": (
        data(names=["a"]),
        "data has nothing: it must have exactly one of ndarray, tensor or tftensor",
    ),
    "too-few": (tensor([3], [1, 2]), "data.tensor.shape [3] asks for 3 values, data.tensor.values has 2"),
    "no-shape": (tensor([], [1, 2]), "data.tensor.shape [] asks for 1 values, data.tensor.values has 2"),
    "negative": (
        tensor([-1, -2], [1, 2]),
        "data.tensor.shape is [-1, -2]: it must be a list of whole numbers, 0 or more",
    ),
    "dimensions": (
        tensor([1] * 65, [1]),
        "data.tensor.shape has 65 lengths: it must have 64 or fewer",
    ),
    "beyond-numpy": (
        tensor([2**31 - 1] * 40, [1]),
        f"data.tensor.shape {[2**31 - 1] * 40} asks for {(2**31 - 1) ** 40} values, data.tensor.values has 1",
    ),
    "no-values": (tensor([0, 2], []), "data.tensor has no values: send at least one row"),
    "no-rows": (data(ndarray=rows()), "data.ndarray has no rows: send at least one"),
}


@pytest.mark.parametrize(("sent", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(sent, message):
    with pytest.raises(BadData) as caught:
        decode(sent)
    assert str(caught.value) == message


def test_a_feedback_is_answered_in_the_kind_of_its_request():
    request = SeldonMessage(meta=Meta(puid="p"), data=DefaultData(ndarray=rows([1])))
    sent = Feedback(request=request, reward=1).SerializeToString()
    assert decode_feedback(sent) == Request("ndarray", None, meta={"puid": "p"})
    assert decode_feedback(b"") == Request("", None)


def test_bytes_that_are_no_feedback_are_refused():
    with pytest.raises(BadData, match=r"^the bytes are no seldon\.protos\.Feedback: "):
        decode_feedback(b"\xff")


SAMPLES = [
    tensor([2, 2], [1, 2, 3, 4]),
    data(names=["a", "b"], ndarray=rows([1, 2], [3, 4])),
    data(ndarray=rows(["a", 1, None], ["b", 2, True])),
    data(
        tftensor=TensorProto(
            dtype=DataType.DT_HALF,
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=3)]),
            half_val=[1, 2],
        )
    ),
    body(jsonData=Value(list_value=rows([1, {"a": "b"}]))),
    body(strData="text", meta=Meta(puid="p", tags={"t": Value(bool_value=True)}, routing={"a": 1})),
    body(binData=b"bytes", status=Status(info="i", status=Status.FAILURE)),
    body(customData=CUSTOM),
]


@st.composite
def mutated(draw):
    """A message with bytes changed, cut out, put in, repeated, or followed by another's."""
    message = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(message)))
        new = draw(st.binary(max_size=4) | st.sampled_from([message[at : at + 8], *SAMPLES]))
        message[at : at + draw(st.integers(0, 4))] = new
    return bytes(message)


COLUMNS = Schema(columns=(Column("a", "double"), Column("b", "long"), Column("c", "string")))
NESTED = Schema(columns=(Column(None, {"type": "array", "items": {"type": "long"}}),))


@pytest.mark.parametrize("examples", [100, pytest.param(5_000, marks=pytest.mark.long)])
def test_whatever_comes_is_an_argument_or_bad_data(examples):
    settings(max_examples=examples)(given(st.binary(max_size=200) | mutated())(check_bytes))()


def check_bytes(sent):
    with contextlib.suppress(BadData):
        request = decode(sent)
        if request.kind in ("ndarray", "tensor", "tftensor"):
            assert len(request.values) > 0
        for inputs in (None, COLUMNS, NESTED):
            for form in (ARRAY, FRAME) if inputs is not NESTED else (LIST,):
                with contextlib.suppress(BadData):
                    asked = tabled(request, nested=form.nested)
                    assert arguments(asked, inputs, form).values is not None
    with contextlib.suppress(BadData):
        decode_feedback(sent)


@pytest.mark.parametrize("depth", [1, 2, 30, 31, 32, 47, 48, 63, 64, 65, 99, 2000])
def test_lists_of_any_depth_are_a_request_or_bad_data(depth):
    value = b"\x0a\x09\x11" + b"\0" * 8
    for _ in range(depth):
        value = field(1, field(6, value))
    with contextlib.suppress(BadData):
        decode(field(3, field(3, value)))


def encoded(values, *, kind="ndarray", names=(), meta=None):
    body = encode(Request(kind, None), Answer(values, list(names)), meta or {})
    return SeldonMessage.FromString(body)


def list_value_of(*values):
    result = ListValue()
    result.extend(values)
    return result


def test_a_tensor_is_the_message_that_protobuf_itself_would_write():
    array = np.array([[1.5, 2.0], [3.0, 4.0]])
    body = encode(Request("tensor", None), Answer(array, ["a", "b"]), {"puid": "p"})
    tensor = Tensor(shape=[2, 2], values=[1.5, 2, 3, 4])
    message = SeldonMessage(meta=Meta(puid="p"), data=DefaultData(names=["a", "b"], tensor=tensor))
    assert body == message.SerializeToString()


def test_columns_go_as_the_request_came_and_numbers_are_doubles():
    table = ColumnarTable([np.array([2**53 + 1, 1]), np.array([0.5, 1.5])])
    doubles = [[float(2**53), 0.5], [1.0, 1.5]]
    assert encoded(table).data.ndarray == list_value_of(*doubles)
    tensor = encoded(table, kind="tensor").data.tensor
    assert (list(tensor.shape), list(tensor.values)) == ([2, 2], [float(2**53), 0.5, 1.0, 1.5])
    assert encoded(table, kind="tftensor").data.tftensor.dtype == DataType.DT_DOUBLE
    mixed = ColumnarTable([np.array([True]), np.array(["NaT"], dtype="datetime64[s]"), ["a"], np.array([1])])
    assert encoded(mixed, kind="tensor").data.ndarray == list_value_of([True, None, "a", 1])


def test_a_missing_time_is_null():
    times = np.array(["2026-01-31T12:00:00", "NaT"], dtype="datetime64[ns]")
    assert encoded(times).data.ndarray == list_value_of("2026-01-31T12:00:00", None)


@given(
    hnp.arrays(st.sampled_from(["<f8", "<f4", "<i4", "|u1"]), hnp.array_shapes(max_dims=3)),
    st.sampled_from(KINDS),
    st.lists(st.text(max_size=3), max_size=3),
)
def test_numbers_go_as_they_came_and_are_read_again(array, kind, names):
    body = encode(Request(kind, None), Answer(array, names), {})
    again = decode(body)
    assert again.kind == kind
    assert again.names == (names or None)
    np.testing.assert_array_equal(again.values, array.astype(np.float64))
    if kind == "ndarray":
        data = DefaultData(names=names, ndarray=list_value_of(*array.tolist()))
        assert SeldonMessage.FromString(body).data == data or np.isnan(array).any()


def test_a_tftensor_keeps_the_type_of_the_answer():
    assert encoded(np.array([1], np.int64), kind="tftensor").data.tftensor.dtype == DataType.DT_INT64


@pytest.mark.parametrize("kind", ["jsonData", "strData", "binData", ""])
def test_numbers_that_answer_no_array_go_as_a_tensor(kind):
    assert encoded(np.array([1, 2]), kind=kind).data.tensor == Tensor(shape=[2], values=[1, 2])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_number_goes_as_an_ndarray(kind):
    assert encoded(np.array([[True], [False]]), kind=kind).data.ndarray == list_value_of([True], [False])
    assert encoded([["a", None, 1]], kind=kind).data.ndarray == list_value_of(["a", None, 1])
    days = np.array(["2026-01-31"], "datetime64[D]")
    assert encoded(days, kind=kind).data.ndarray == list_value_of("2026-01-31")


def test_an_empty_answer_has_its_shape():
    assert encoded(np.empty((0, 2)), kind="tensor").data.tensor.shape == [0, 2]
    assert encoded(np.empty((0, 2))).data.WhichOneof("data_oneof") == "ndarray"


def test_json_text_and_bytes_of_an_answer():
    message = encoded({"a": [1, None, {"b": [True, "x"]}]}, kind="tensor")
    assert message.jsonData.struct_value["a"][2]["b"][1] == "x"
    assert encoded("é").strData == "é"
    assert encoded(b"\x00").binData == b"\x00"


def test_meta():
    meta = {
        "puid": "p",
        "tags": {"t": 1.5, "n": None, "d": {"a": [True]}},
        "requestPath": {"node": "image"},
        "metrics": [{"key": "k", "type": Metric.GAUGE, "value": 2.0, "tags": {"a": "b"}}],
    }
    assert decode(encode(Request("strData", ""), Answer("x"), meta)).meta == meta


def test_meta_is_there_when_nothing_is_in_it():
    """As the stock wrapper has it."""
    assert encoded("x").HasField("meta")


def test_metadata():
    said = {
        "name": "node",
        "versions": ["sha256:0"],
        "platform": "sklearn",
        "inputs": [{"messagetype": "tensor", "schema": {"names": ["a"], "shape": [-1, 1]}}],
        "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1, 3]}],
        "custom": {"run_id": "r"},
    }
    message = SeldonModelMetadata.FromString(encode_metadata(said))
    assert (message.name, list(message.versions), message.custom["run_id"]) == ("node", ["sha256:0"], "r")
    assert list(message.inputs[0].schema.struct_value["shape"]) == [-1, 1]
    assert list(message.outputs[0].shape) == [-1, 3]


def test_metadata_that_has_no_such_form_is_refused():
    with pytest.raises(BadMetadata) as caught:
        encode_metadata({"inputs": [{"shape": ["wide"]}]})
    assert str(caught.value).startswith(
        "the model's metadata is no seldon.protos.SeldonModelMetadata: Failed to parse inputs"
    )
    assert str(caught.value).endswith("; correct metadata.yaml in the model folder, or MODEL_METADATA")
