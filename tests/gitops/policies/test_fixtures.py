"""Every policy on its fixtures: nothing is said of a valid one, and word for word what stands in an invalid one."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.policies.evaluation import POLICIES
from gitops.policies.policy import Policy
from tests.gitops.policies.fixture import FOLDER, Fixture, fixtures

ALL = list(fixtures())


@pytest.mark.parametrize("fixture", [entry for entry in ALL if entry.valid], ids=lambda entry: entry.id)
def test_nothing_is_said_of_a_valid_fixture(fixture: Fixture) -> None:
    assert fixture.findings() == []


@pytest.mark.parametrize("fixture", [entry for entry in ALL if not entry.valid], ids=lambda entry: entry.id)
def test_what_an_invalid_fixture_breaks_is_said(fixture: Fixture) -> None:
    expected = fixture.expected()
    assert expected
    assert fixture.findings() == expected
    # The secret's value in all fixtures.
    assert "hunter2" not in "".join(expected)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.id)
def test_a_policy_has_valid_and_invalid_fixtures(policy: Policy[Any]) -> None:
    assert {entry.valid for entry in ALL if entry.policy == policy.id} == {True, False}


def test_a_fixture_belongs_to_a_policy() -> None:
    assert {folder.name for folder in FOLDER.iterdir()} == {policy.id for policy in POLICIES}
