"""How much JSON may ask for, whatever its size in bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import BadData, BodyTooLarge
from server.mlmodel.load_plan import InputType
from server.protocol.json_body import parse
from server.protocol.json_codec import decode
from server.protocol.proto import codec as proto
from server.protocol.proto.prediction_pb2 import DefaultData, SeldonMessage, Tensor
from server.schema import json_arrays
from server.schema.arguments import arguments
from server.schema.json_data import tabled
from server.schema.request import Request

DEEP = "the body nests lists and objects more than 100 deep: it may have 100 levels; send a flatter value"


@pytest.mark.parametrize(
    ("start", "end", "levels"), [("[", "]", 1), ('{"a":', "}", 1), ('{"]":["[{", ', "]}", 2)]
)
def test_levels(start, end, levels):
    fits = 100 // levels
    assert parse((start * fits + "1" + end * fits).encode())
    with pytest.raises(BadData) as refused:
        parse((start * (fits + 1) + "1" + end * (fits + 1)).encode())
    assert str(refused.value) == DEEP


nested = st.recursive(
    st.none() | st.integers() | st.text('[]{}"\\a', max_size=6) | st.text("[]{}a", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=30,
)


def depth(value):
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(nested)
def test_levels_are_those_of_the_value_whatever_stands_in_its_strings(value):
    levels, body = depth(value), json.dumps(value).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_arrays, "MAX_DEPTH", levels)
        json_arrays.check_depth(body)
        if levels:
            patch.setattr(json_arrays, "MAX_DEPTH", levels - 1)
            with pytest.raises(BadData):
                json_arrays.check_depth(body)


@pytest.mark.parametrize(
    "body", [b"[" * 5000, b"]" * 5000, b'["' + b'\\"' * 200_000, b'["\\', b"[" * 200 + b"}" * 200]
)
def test_what_is_no_json_is_said_to_be_none(body):
    with pytest.raises(BadData):
        parse(body)


def test_columns_of_a_table_with_names():
    names = [f"c{number}" for number in range(65_537)]
    rule = " has 65537 columns: a table may have 65536; send fewer, or rows of numbers without names to a model that takes an array"
    row = [1] * len(names)
    records = {"dataframe_records": [dict(zip(names, row, strict=True))]}
    message = SeldonMessage(data=DefaultData(names=names, tensor=Tensor(shape=[1, len(row)], values=row)))
    for what, call in {
        "data.names": lambda: decode({"data": {"names": names, "ndarray": [row]}}),
        "data.names by gRPC": lambda: proto.decode(message.SerializeToString()),
        "jsonData.dataframe_records": lambda: tabled(Request("jsonData", records)),
        "data.ndarray": lambda: arguments(decode({"data": {"ndarray": [row]}}), None, InputType("frame")),
    }.items():
        with pytest.raises(BodyTooLarge) as refused:
            call()
        assert str(refused.value) == what.removesuffix(" by gRPC") + rule
    # An array has no columns to look at one by one.
    assert arguments(decode({"data": {"ndarray": [row]}}), None, InputType("array")).values[0].shape == (
        1,
        65_537,
    )


def test_cells(monkeypatch):
    monkeypatch.setattr(json_arrays, "MAX_CELLS", 6)
    assert decode({"data": {"ndarray": [[1, 2, 3], [4, 5, 6]]}}).values.shape == (2, 3)
    for what, data in {
        "data.ndarray": {"ndarray": [[1, 2], [3, 4], [5, 6], [7, 8]]},
        "data.tensor": {"tensor": {"shape": [8], "values": [1] * 8}},
    }.items():
        with pytest.raises(BodyTooLarge) as refused:
            decode({"data": data})
        assert str(refused.value) == f"{what} has 8 cells: it may have 6; send fewer rows at a time"
