"""The parameters that a request gives to a model."""

from __future__ import annotations

import pytest

from server.errors import BadData
from server.schema.arguments import parameters
from server.schema.json_data import tabled
from server.schema.request import Request

KNOWN = [
    {"name": "temperature", "type": "double", "default": 0.5, "shape": None},
    {"name": "top", "type": "long", "default": 3, "shape": None},
    {"name": "stop", "type": "string", "default": [], "shape": [-1]},
]


def test_values_get_the_types_of_the_signature():
    given = parameters({"temperature": 1, "top": 2.0, "stop": ["x"]}, KNOWN)
    assert given == {"temperature": 1.0, "top": 2, "stop": ["x"]}
    assert type(given["temperature"]) is float
    assert type(given["top"]) is int


def test_null_is_no_value_and_what_is_left_out_is_left_to_its_default():
    assert parameters({"top": None}, KNOWN) == {"top": None}
    assert parameters({}, KNOWN) == {}


def test_they_come_beside_mlflows_forms():
    request = tabled(Request("jsonData", {"instances": [[1]], "params": {"top": 1}}))
    assert request.params == {"top": 1}
    with pytest.raises(BadData, match=r"jsonData\.params is 1: it must be a JSON object"):
        tabled(Request("jsonData", {"instances": [[1]], "params": 1}))


@pytest.mark.parametrize(
    ("given", "known", "message"),
    [
        (
            {"tops": 1},
            KNOWN,
            "jsonData.params has unknown 'tops': the model's signature has the parameters "
            "'temperature', 'top', 'stop'",
        ),
        ({"top": 1}, [], "jsonData.params has unknown 'top': the model's signature has no parameters"),
        (
            {"top": 1.5},
            KNOWN,
            "jsonData.params.top: 1.5 must be a whole number, the model's signature says long",
        ),
        (
            {"stop": ["x", 1]},
            KNOWN,
            "jsonData.params.stop, at [1]: 1 must be a string, the model's signature says string",
        ),
    ],
    ids=["unknown", "none", "part", "list"],
)
def test_what_does_not_fit_is_refused(given, known, message):
    with pytest.raises(BadData) as caught:
        parameters(given, known)
    assert str(caught.value) == message
