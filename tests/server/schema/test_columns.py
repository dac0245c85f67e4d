"""A request as a list of one value a row."""

from __future__ import annotations

import json

import pytest

from server.errors import BadData
from server.mlmodel.load_plan import LIST
from server.mlmodel.signature import Column, Schema
from server.protocol.json_codec import decode
from server.schema.arguments import arguments
from server.schema.json_data import tabled

STRING, LONG, ANY = "string", "long", {"type": "any"}
VECTOR = {"type": "array", "items": {"type": "double"}}
TABLE = {"type": "array", "items": VECTOR}
ITEM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "required": True},
        "amount": {"type": "double", "required": True},
        "at": {"type": "datetime", "required": False},
        "inputs": {"type": "long", "required": False},
    },
}
MAP = {"type": "map", "values": {"type": "double"}}


def taken(kind, message):
    request = tabled(decode(message), nested=True)
    call = arguments(request, Schema(columns=(Column(None, kind),)), LIST)
    assert call.input_type == "list"
    (values,) = call.values
    return values


def rows(values, names=None):
    return {"data": {"ndarray": values, **({"names": names} if names else {})}}


def data(value):
    return {"jsonData": value}


TAKEN = {
    "texts": (STRING, rows(["a", "bc"]), ["a", "bc"]),
    "texts-in-cells": (STRING, rows([["a"], ["bc"]], ["text"]), ["a", "bc"]),
    "text": (STRING, {"strData": "a"}, ["a"]),
    "bytes": ("binary", {"binData": "AAE="}, ["AAE="]),
    "whole-doubles": (LONG, {"data": {"tensor": {"shape": [2], "values": [1.0, 2.0]}}}, [1, 2]),
    "tensor-of-two-dimensions": (
        VECTOR,
        {"data": {"tensor": {"shape": [2, 1], "values": [1, 2]}}},
        [[1.0], [2.0]],
    ),
    "arrays": (VECTOR, rows([[1.0, 2.0], [3.0]]), [[1.0, 2.0], [3.0]]),
    "arrays-in-cells": (VECTOR, rows([[[1.0, 2.0]], [[3.0]]]), [[1.0, 2.0], [3.0]]),
    "arrays-of-arrays": (TABLE, rows([[[1.0, 2.0]], [[3.0]]]), [[[1.0, 2.0]], [[3.0]]]),
    "split-is-a-table": (ANY, data({"dataframe_split": {"data": [[1], ["a"]]}}), [1, "a"]),
    "anything": (ANY, data({"inputs": [[1], {"a": None}]}), [[1], {"a": None}]),
    "instances": (LONG, data({"instances": [1, 2]}), [1, 2]),
    "objects": (ITEM, data([{"name": "x"}, {"other": 1}]), [{"name": "x"}, {"other": 1}]),
    "object": (ITEM, data({"name": "x", "amount": 2}), [{"name": "x", "amount": 2.0}]),
    "object-with-a-forms-name": (ITEM, data({"inputs": 1, "name": "x"}), [{"inputs": 1, "name": "x"}]),
    "object-by-names": (ITEM, rows([["x", 1.5]], ["name", "amount"]), [{"name": "x", "amount": 1.5}]),
    "what-the-model-refuses-itself": (ITEM, data([{"name": 5, "at": None}]), [{"name": 5, "at": None}]),
    "map-by-names": (MAP, rows([[1, 2.5]], ["a", "b"]), [{"a": 1.0, "b": 2.5}]),
    "map-in-a-cell": (MAP, rows([[{"a": 1}]], ["payload"]), [{"a": 1.0}]),
    "zone": ("datetime", rows(["2026-01-31T12:00:00.5+01:00"]), ["2026-01-31T12:00:00.5+01:00"]),
}


@pytest.mark.parametrize(("kind", "message", "values"), TAKEN.values(), ids=TAKEN)
def test_each_form_of_the_payload_is_a_list_of_values(kind, message, values):
    assert json.dumps(taken(kind, message)) == json.dumps(values)


SAYS = "the model's signature says"
REFUSED = {
    "number-for-text": (STRING, rows(["a", 1]), f"row 1: 1 must be a string, {SAYS} string"),
    "two-cells": (STRING, rows([["a", "b"]]), f'row 0: ["a", "b"] must be a string, {SAYS} string'),
    "two-names": (
        STRING,
        rows([["a", "b"]], ["x", "y"]),
        "data.names has 2 names: the model takes one value a row, string",
    ),
    "inside": (VECTOR, data([[1.0], ["x"]]), f'row 1, at [0]: "x" must be a number, {SAYS} double'),
    "no-object": (ITEM, {"strData": "x"}, f'row 0: "x" must be an object, {SAYS} object'),
    "no-time-inside": (
        ITEM,
        data([{"at": "soon"}]),
        'row 0, at .at: "soon" must be a time such as 2026-01-31T12:00:00 or 2026-01-31T12:00:00+01:00, '
        f"{SAYS} datetime",
    ),
    "names-of-no-rows": (
        ITEM,
        rows([{"name": "x"}], ["name"]),
        "data.ndarray has values that are no rows: with data.names every row must be a list",
    ),
    "none": (LONG, data({"inputs": []}), "jsonData has no values: send at least one"),
}


@pytest.mark.parametrize(("kind", "message", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_of_the_type_is_refused(kind, message, words):
    with pytest.raises(BadData) as caught:
        taken(kind, message)
    assert str(caught.value) == words
