"""One input that goes to the model as it is."""

from __future__ import annotations

import json

import pytest

from server import mlmodel
from server.errors import BadData
from server.schema.request import Request
from server.schema.single_input import is_single, single

MESSAGES = [{"role": "user", "content": "hi"}]
MESSAGE = {"role": {"type": "string"}, "content": {"type": "string", "required": False}}
INPUTS = [
    {"name": "messages", "type": "array", "items": {"type": "object", "properties": MESSAGE}},
    {"name": "max_tokens", "type": "long", "required": False},
    {"name": "custom_inputs", "type": "map", "values": {"type": "any"}, "required": False},
]
PARAMS = [{"name": "temperature", "type": "double", "default": 1.0, "shape": None}]


def model(folder, inputs=INPUTS, params=PARAMS, loader="mlflow.pyfunc.loaders.chat_model", task=None):
    said = {"flavors": {"python_function": {"loader_module": loader}}}
    if inputs:
        said["signature"] = {"inputs": json.dumps(inputs), "params": json.dumps(params)}
    if task:
        said["metadata"] = {"task": task}
    (folder / "MLmodel").write_text(json.dumps(said))
    return mlmodel.read(folder)


@pytest.fixture
def chat(tmp_path):
    return model(tmp_path)


def asked(value, of, kind="jsonData"):
    call, params = single(Request(kind, value), of)
    return call.input_type, call.values, params


@pytest.mark.parametrize(
    ("loader", "task", "chats"),
    [
        ("mlflow.pyfunc.loaders.chat_model", "agent/v1/chat", True),
        ("mlflow.pyfunc.loaders.chat_agent", None, True),
        ("mlflow.pyfunc.loaders.responses_agent", "mine", True),
        ("mlflow.transformers", "llm/v1/chat", True),
        ("mlflow.transformers", None, False),
        ("mlflow.pyfunc.model", None, False),
    ],
)
def test_chats_are_known_by_their_loader_or_task(tmp_path, loader, task, chats):
    assert model(tmp_path, loader=loader, task=task).chats is chats


def test_metadata_that_is_no_mapping_has_no_task(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {}}\nmetadata: [task]\n")
    assert mlmodel.read(tmp_path).task is None


def test_an_object_is_the_input(chat):
    value = {"messages": MESSAGES, "custom_inputs": {"a": [1, {"b": None}]}}
    assert asked(value, chat) == ("value", [value], {})


def test_its_fields_that_are_parameters_of_the_signature_are_these(chat):
    value = {"messages": MESSAGES, "temperature": 0, "max_tokens": 3}
    assert asked(value, chat) == ("value", [{"messages": MESSAGES, "max_tokens": 3}], {"temperature": 0.0})


def test_fields_that_the_signature_does_not_have_are_left_to_mlflow(chat):
    value = {"messages": MESSAGES, "model": "x", "inputs": 1}
    assert asked(value, chat) == ("value", [value], {})


def test_numbers_are_those_of_the_signature_although_protobuf_has_no_whole_ones(chat):
    _, (value,), _ = asked({"messages": MESSAGES, "max_tokens": 3.0}, chat)
    assert json.dumps(value["max_tokens"]) == "3"


def test_a_field_that_may_be_missing_may_be_null(chat):
    value = {"messages": MESSAGES, "max_tokens": None, "custom_inputs": None}
    assert asked(value, chat) == ("value", [value], {})


def test_inputs_may_be_around_it(chat):
    value = {"inputs": {"messages": MESSAGES}, "params": {"temperature": 2}}
    assert asked(value, chat) == ("value", [{"messages": MESSAGES}], {"temperature": 2.0})


@pytest.mark.parametrize(
    "value",
    [
        {"dataframe_records": [{"messages": MESSAGES}]},
        {"dataframe_split": {"columns": ["messages"], "data": [[MESSAGES]]}},
    ],
)
def test_mlflows_tables_are_data_frames(chat, value):
    call, _ = single(Request("jsonData", value), chat)
    assert (call.input_type, call.names, call.values) == ("frame", ["messages"], [[MESSAGES]])


def test_a_table_with_names_is_a_data_frame_whatever_xtype(chat):
    call, _ = single(Request("ndarray", [[MESSAGES]], ["messages"]), chat)
    assert (call.input_type, call.names, call.values) == ("frame", ["messages"], [[MESSAGES]])


@pytest.mark.parametrize("value", ["hello", {"a": 1}, [1, "x"], None, 3])
def test_without_a_signature_any_value_is_the_input(tmp_path, value):
    assert asked(value, model(tmp_path, inputs=None)) == ("value", [value], {})


def test_text_is_the_input_of_a_signature_without_names(tmp_path):
    of = model(tmp_path, inputs=[{"type": "string"}], params=[])
    assert asked("hello", of, "strData") == ("value", ["hello"], {})


REFUSED = {
    "nothing": ({}, "jsonData lacks 'messages': the model's signature has the fields 'messages', "),
    "text": ("hi", "jsonData is \"hi\": it must be an object with 'messages'"),
    "messages of text": (
        {"messages": "hi"},
        'jsonData.messages: "hi" must be an array, the model\'s signature says array',
    ),
    "message of more": ({"messages": [{"role": "user", "other": 1}]}, "jsonData.messages, at [0]: "),
    "number of text": ({"messages": MESSAGES, "max_tokens": "a"}, "jsonData.max_tokens: "),
    "parameter of text": (
        {"messages": MESSAGES, "temperature": "a"},
        "jsonData.params.temperature: ",
    ),
}


@pytest.mark.parametrize(("value", "said"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_the_signature_is_refused(chat, value, said):
    with pytest.raises(BadData) as refused:
        single(Request("jsonData", value), chat)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("kind", "value", "whole"),
    [
        ("jsonData", {"messages": []}, True),
        ("jsonData", {"a": 1}, True),
        ("jsonData", {"input": [], "inputs": 1}, True),
        ("jsonData", {"inputs": [1]}, False),
        ("jsonData", [1], False),
        ("strData", "x", False),
    ],
)
def test_objects_in_none_of_mlflows_other_forms_are_single(kind, value, whole):
    assert is_single(Request(kind, value)) is whole
