from __future__ import annotations

from gitops.schemas.closure import shared, undescribed


def test_equal_objects_are_one_definition() -> None:
    leaf = {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False}
    inner = {"type": "object", "properties": {"leaf": leaf}}
    found = shared({"properties": {"one": inner, "list": {"items": inner}}, "$defs": {"kept": {}}})
    one = found["properties"]["one"]
    assert found["properties"]["list"] == {"items": one}
    definitions = found["$defs"]
    assert len(definitions) == 3
    (reference,) = definitions[one["$ref"].rpartition("/")[2]]["properties"].values()
    assert definitions[reference["$ref"].rpartition("/")[2]] == leaf


def test_a_property_that_is_called_description_is_kept() -> None:
    schema = {"description": "text", "properties": {"description": {"description": "x", "type": "string"}}}
    assert undescribed(schema) == {"properties": {"description": {"type": "string"}}}
