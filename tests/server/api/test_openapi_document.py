"""The OpenAPI document of a node."""

from __future__ import annotations

import jsonschema
import pytest

from server import mlmodel
from server.api.openapi import openapi
from server.mlmodel.load_plan import ARRAY, FRAME, LIST
from server.mlmodel.signature import Column, Schema, Tensor
from server.protocol.input_example import example
from server.protocol.json_codec import decode
from server.schema.arguments import arguments
from tests.project import MODELS

MIXED = Schema(
    columns=(
        Column("name", "string"),
        Column("age", "long"),
        Column("member", "boolean"),
        Column("since", "datetime"),
        Column("extra", {"type": "object", "properties": {}}),
    )
)
IMAGE = Schema(tensors=(Tensor(None, "float32", (-1, 2, 3)),))


def document(inputs, form=FRAME, given=None):
    return openapi("model", "sha256:1", inputs, None, form, given)


def fits(said, message):
    schemas = said["components"]["schemas"]
    return jsonschema.Draft202012Validator(schemas["Request"]).is_valid(message)


def row(*cells, names=tuple(column.name for column in MIXED.columns)):
    return {"data": {"names": list(names), "ndarray": [list(cells)]}}


def test_the_schema_is_that_of_the_models_own_columns():
    said = document(MIXED)
    assert fits(said, row("Ann", 41, True, "2026-01-28", {}))
    assert not fits(said, row("Ann", 41.5, True, "2026-01-28", {}))
    assert not fits(said, row(1, 41, True, "2026-01-28", {}))
    assert not fits(said, row("Ann", 41, True, "2026-01-28"))
    assert not fits(said, row("Ann", 41, True, None, {}, names=["other"]))


def test_names_may_be_left_out_where_the_model_gets_an_array():
    message = {"data": {"ndarray": row("Ann", 41, True, None, {})["data"]["ndarray"]}}
    assert not fits(document(MIXED, FRAME), message)
    assert fits(document(MIXED, ARRAY), message)


def test_without_a_signature_there_are_rows_or_one_row():
    said = document(None)
    assert fits(said, {"data": {"ndarray": [["a", 1], ["b", 2]]}})
    assert fits(said, {"data": {"ndarray": ["a", "b"]}, "meta": None})
    assert not fits(said, {"data": {"ndarray": [["a"], "b"]}})
    assert not fits(said, {"data": {"ndarray": []}})


def test_a_tensors_shape_is_in_the_schema():
    said = document(IMAGE)
    assert fits(said, {"data": {"ndarray": [[[1, 2, 3], [4, 5, 6]]]}})
    assert not fits(said, {"data": {"ndarray": [[[1, 2], [4, 5]]]}})


NESTED = Schema(
    columns=(
        Column("list", {"type": "array", "items": {"type": "array", "items": {"type": "long"}}}),
        Column(
            "thing",
            {
                "type": "object",
                "properties": {
                    "size": {"type": "double", "required": True},
                    "tags": {"type": "array", "items": {"type": "string"}, "required": True},
                },
            },
        ),
        Column("counts", {"type": "map", "values": {"type": "integer"}}),
        Column("photo", "binary"),
    )
)
SCHEMAS = {
    "none": None,
    "columns": MIXED,
    "unnamed": Schema(columns=(Column(None, "double"), Column(None, "boolean"))),
    "nested": NESTED,
    "tensor": IMAGE,
    "booleans": Schema(tensors=(Tensor(None, "bool", (-1, 2)),)),
    "strings": Schema(tensors=(Tensor(None, "<U5", (-1,)),)),
    "bytes": Schema(tensors=(Tensor(None, "uint8", (-1, 2)),)),
    "two-tensors": Schema(tensors=(Tensor("a", "float32", (-1, 2)), Tensor("b", "int64", (-1,)))),
}


@pytest.mark.parametrize("form", [FRAME, ARRAY], ids=lambda form: form.kind)
@pytest.mark.parametrize("name", SCHEMAS)
def test_an_example_is_made_where_there_is_none_which_the_schema_and_the_server_take(name, form):
    check_example(SCHEMAS[name], form)


def check_example(inputs, form):
    said = document(inputs, form)
    example = said["components"]["examples"]["request"]["value"]
    assert fits(said, example)
    assert arguments(decode(example), inputs, form)
    return example["data"]["ndarray"]


VALUES = {
    "string": ("string", "text"),
    "array": ({"type": "array", "items": {"type": "double"}}, [0.5]),
    "object": (NESTED.columns[1].type, {"size": 0.5, "tags": ["text"]}),
    "map": (NESTED.columns[2].type, {"key": 1}),
}


@pytest.mark.parametrize(("kind", "value"), VALUES.values(), ids=VALUES)
def test_the_example_for_a_type_hint_is_a_list_of_its_values(kind, value):
    assert check_example(Schema(columns=(Column(None, kind),)), LIST) == [value]


@pytest.mark.parametrize("name", ["iris_svm_model", "iris_preprocessor_model"])
def test_the_models_own_example_is_shown(name):
    model = mlmodel.read(MODELS / name)
    given = example(model)
    assert given["data"]["names"] == model.inputs.names
    said = document(model.inputs, given=given)
    assert fits(said, given)
    assert said["components"]["examples"]["request"]["value"] == given


def test_a_broken_example_is_passed_over(tmp_path, caplog):
    (tmp_path / "MLmodel").write_text(
        "flavors: {sklearn: {}}\nsaved_input_example_info: {artifact_path: e.json, type: dataframe}\n"
    )
    (tmp_path / "e.json").write_text("{")
    assert example(mlmodel.read(tmp_path)) is None
    assert "e.json is passed over" in caplog.text


MESSAGE = {"role": {"type": "string"}, "content": {"type": "string", "required": False}}
CHAT = Schema(
    columns=(
        Column("messages", {"type": "array", "items": {"type": "object", "properties": MESSAGE}}),
        Column("max_tokens", "long", required=False),
    )
)


def test_a_chat_takes_an_object_of_its_fields():
    said = openapi("model", "sha256:1", CHAT, None, FRAME, None, chats=True)
    assert fits(said, {"jsonData": {"messages": [{"role": "user"}], "max_tokens": 3, "model": "any"}})
    assert not fits(said, {"jsonData": {"max_tokens": 3}})
    assert not fits(said, {"jsonData": {"messages": "hi"}})
    assert not fits(said, row("Ann"))
    assert fits(said, said["components"]["examples"]["request"]["value"])


def test_the_path_of_streams_is_there_where_the_model_has_them():
    streaming = openapi("model", "sha256:1", CHAT, None, FRAME, None, chats=True, streams=True)["paths"]
    answer = streaming["/predict_stream"]["post"]["responses"]["200"]
    assert list(answer["content"]) == ["text/event-stream"]
    assert "/predict_stream" not in document(MIXED)["paths"]


def examples(said):
    """Return the examples of the two other protocols."""
    bodies = [said["paths"][path]["post"]["requestBody"]["content"] for path in (INFER, "/invocations")]
    return [body["application/json"].get("examples", {}).get("example", {}).get("value") for body in bodies]


INFER = "/v2/models/{name}/infer"


def test_other_protocols_have_the_models_own_example():
    inference, invocation = examples(document(MIXED, given=row("Ann", 41, True, "2026-01-28", {"a": 1})))
    assert inference is None  # An object has no datatype.
    assert invocation == {
        "dataframe_split": {
            "columns": ["name", "age", "member", "since", "extra"],
            "data": [["Ann", 41, True, "2026-01-28", {"a": 1}]],
        }
    }
    inference, invocation = examples(document(IMAGE))
    assert inference["inputs"][0]["shape"][1:] == [2, 3]
    assert (
        invocation["inputs"]
        == document(IMAGE)["components"]["examples"]["request"]["value"]["data"]["ndarray"]
    )


def test_a_chat_has_an_example_of_mlflows_alone():
    chat = {"jsonData": {"messages": [{"role": "user", "content": "Hi"}]}}
    assert examples(document(None, given=chat)) == [None, chat["jsonData"]]


def test_every_path_of_the_other_protocols_is_there():
    paths = document(None)["paths"]
    assert {"/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/{name}", INFER} <= paths.keys()
    assert {"/invocations", "/ping", "/health", "/version"} <= paths.keys()
