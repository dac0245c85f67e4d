"""Flattened values: every one has a table, and different ones have different tables."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitops.diff.fields import flatten


def test_entries_of_lists_keep_their_names() -> None:
    container = {
        "env": [{"name": "HOME", "value": "/tmp"}, {"name": "TYPE", "value": "MODEL"}],
        "envFrom": [{"secretRef": {"name": "store"}}],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "imagePullSecrets": [{"name": "hub"}],
        "args": ["serve", 1],
        "securityContext": {"capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True},
        "resources": {},
        "ports": [{"containerPort": 1}, {"containerPort": 2}],
    }
    assert flatten(container) == {
        "env (order)": "HOME, TYPE",
        "env[HOME].value": "/tmp",
        "env[TYPE].value": "MODEL",
        "envFrom[secretRef store].secretRef.name": "store",
        "volumeMounts[/tmp].name": "tmp",
        "imagePullSecrets[hub].name": "hub",
        "args": '["serve", 1]',
        "securityContext.capabilities.drop": '["ALL"]',
        "securityContext.runAsNonRoot": "true",
        "resources": "{}",
        "ports[0].containerPort": "1",
        "ports[1].containerPort": "2",
    }


def test_a_generated_config_map_is_known_by_its_name_without_the_hash() -> None:
    found = flatten({"envFrom": [{"configMapRef": {"name": "requirements-6h72g64hmf"}}]})
    assert found == {"envFrom[configMapRef requirements].configMapRef.name": "requirements-6h72g64hmf"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_every_value_can_be_flattened(value: Any) -> None:
    assert all(isinstance(text, str) for text in flatten(value).values())


VALUES = (
    st.integers(0, 2) | st.sampled_from(["0", "1", "true", "a", "{}", "null"]) | st.booleans() | st.none()
)
NAMED = st.dictionaries(st.sampled_from("ab0"), VALUES, min_size=1)


@given(NAMED, NAMED)
def test_objects_that_differ_are_flattened_to_different_tables(a: dict[str, Any], b: dict[str, Any]) -> None:
    first, second = (
        {"env": [{"name": key, "value": value} for key, value in side.items()]} for side in (a, b)
    )
    assert (flatten(first) == flatten(second)) == (repr(first) == repr(second))
