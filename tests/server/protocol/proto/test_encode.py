"""An Answer to the bytes of a SeldonMessage."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.struct_pb2 import ListValue
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from server.errors import BadMetadata
from server.ipc.columnar_table import ColumnarTable
from server.protocol.proto.codec import decode, encode, encode_metadata
from server.protocol.proto.prediction_pb2 import (
    DefaultData,
    Meta,
    Metric,
    SeldonMessage,
    SeldonModelMetadata,
    Tensor,
)
from server.protocol.proto.tensor_pb2 import DataType
from server.schema.request import Answer, Request

KINDS = ["ndarray", "tensor", "tftensor"]


def encoded(values, *, kind="ndarray", names=(), meta=None):
    body = encode(Request(kind, None), Answer(values, list(names)), meta or {})
    return SeldonMessage.FromString(body)


def rows(*values):
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
    assert encoded(table).data.ndarray == rows(*doubles)
    tensor = encoded(table, kind="tensor").data.tensor
    assert (list(tensor.shape), list(tensor.values)) == ([2, 2], [float(2**53), 0.5, 1.0, 1.5])
    assert encoded(table, kind="tftensor").data.tftensor.dtype == DataType.DT_DOUBLE
    mixed = ColumnarTable([np.array([True]), np.array(["NaT"], dtype="datetime64[s]"), ["a"], np.array([1])])
    assert encoded(mixed, kind="tensor").data.ndarray == rows([True, None, "a", 1])


def test_a_missing_time_is_null():
    times = np.array(["2026-01-31T12:00:00", "NaT"], dtype="datetime64[ns]")
    assert encoded(times).data.ndarray == rows("2026-01-31T12:00:00", None)


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
        data = DefaultData(names=names, ndarray=rows(*array.tolist()))
        assert SeldonMessage.FromString(body).data == data or np.isnan(array).any()


def test_a_tftensor_keeps_the_type_of_the_answer():
    assert encoded(np.array([1], np.int64), kind="tftensor").data.tftensor.dtype == DataType.DT_INT64


@pytest.mark.parametrize("kind", ["jsonData", "strData", "binData", ""])
def test_numbers_that_answer_no_array_go_as_a_tensor(kind):
    assert encoded(np.array([1, 2]), kind=kind).data.tensor == Tensor(shape=[2], values=[1, 2])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_number_goes_as_an_ndarray(kind):
    assert encoded(np.array([[True], [False]]), kind=kind).data.ndarray == rows([True], [False])
    assert encoded([["a", None, 1]], kind=kind).data.ndarray == rows(["a", None, 1])
    days = np.array(["2026-01-31"], "datetime64[D]")
    assert encoded(days, kind=kind).data.ndarray == rows("2026-01-31")


def test_an_empty_answer_has_its_shape():
    assert encoded(np.empty((0, 2)), kind="tensor").data.tensor.shape == [0, 2]
    assert encoded(np.empty((0, 2))).data.WhichOneof("data_oneof") == "ndarray"


def test_json_text_and_bytes():
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
