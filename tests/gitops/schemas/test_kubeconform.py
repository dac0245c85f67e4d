from __future__ import annotations

from typing import Any

from gitops.schemas.kubeconform import Invalid, validate


def config_map(name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}


def test_objects_that_are_valid() -> None:
    assert (
        validate({"a": [config_map("x", data={"on": "yes", "n": "1"})], "b": [], "c": [config_map("x")]})
        == []
    )


def test_what_is_wrong_is_told_by_group_object_and_place() -> None:
    found = validate(
        {
            "a": [config_map("x"), config_map("y", dta={})],
            "b": [config_map("x", data={"level": 1}, immutable="no")],
        }
    )
    assert found == [
        Invalid("a", "ConfigMap", "y", "", "additional properties 'dta' not allowed"),
        Invalid("b", "ConfigMap", "x", "/data/level", "got number, want null or string"),
        Invalid("b", "ConfigMap", "x", "/immutable", "got string, want null or boolean"),
    ]


def test_no_kind_is_left_out() -> None:
    entry = {"apiVersion": "example.com/v1", "kind": "Route", "metadata": {"name": "iris"}}
    assert validate({"a": [entry]}) == [
        Invalid("a", "Route", "iris", "", "could not find schema for Route of example.com/v1")
    ]


def test_an_object_without_kind() -> None:
    entry = {"apiVersion": "v1", "metadata": {"name": "iris"}}
    assert [invalid.message for invalid in validate({"a": [entry]})] == [
        "error while parsing: missing 'kind' key"
    ]


def test_a_text_that_looks_like_the_validators_own_does_not_confuse_it() -> None:
    (invalid,) = validate({"a": [config_map("x", immutable="   - at '/x': y")]})
    assert (invalid.pointer, invalid.message) == ("/immutable", "got string, want null or boolean")
