"""The meta of a message, and the id in an answer's headers."""

from __future__ import annotations

import json
import uuid

import pytest

from server.errors import BadData
from server.protocol.meta import DEEPEST, meta, puid

WHOLE = {
    "puid": "p",
    "tags": {"a": [1]},
    "routing": {"r": 1},
    "requestPath": {"node": "image"},
    "metrics": [{"key": "k", "type": "COUNTER", "value": 1}],
}


def test_what_a_seldon_message_can_have_is_kept():
    assert meta(WHOLE) == WHOLE


def test_null_is_nothing():
    assert meta(None) == {}
    assert meta(dict.fromkeys(WHOLE)) == {}


TAGS = f"it must be a JSON object, at most {DEEPEST} deep"
ROUTING = "it must be a JSON object of whole numbers of 32 bits"
METRICS = (
    "each with a key (a string), a type (COUNTER, GAUGE or TIMER), a value (a number) and tags (strings)"
)


def deep(levels):
    found = {}
    for _ in range(levels):
        found = {"a": found}
    return found


REFUSED = {
    "a-list": ([], "meta is []: it must be a JSON object"),
    "puid": ({"puid": 7}, "meta.puid is 7: it must be a string"),
    "tags": ({"tags": ["a"]}, f'meta.tags is ["a"]: {TAGS}'),
    "deep": ({"tags": deep(DEEPEST)}, f"meta.tags is {json.dumps(deep(DEEPEST))[:57]}…: {TAGS}"),
    "routing": ({"routing": [1]}, f"meta.routing is [1]: {ROUTING}"),
    "branch": ({"routing": {"a": 1.5}}, f'meta.routing is {{"a": 1.5}}: {ROUTING}'),
    "branch-true": ({"routing": {"a": True}}, f'meta.routing is {{"a": true}}: {ROUTING}'),
    "branch-large": ({"routing": {"a": 2**31}}, f'meta.routing is {{"a": 2147483648}}: {ROUTING}'),
    "path": ({"requestPath": ["a"]}, 'meta.requestPath is ["a"]: it must be a JSON object of strings'),
    "image": ({"requestPath": {"a": 1}}, 'meta.requestPath is {"a": 1}: it must be a JSON object of strings'),
    "metrics": ({"metrics": {}}, f"meta.metrics is {{}}: it must be a list of JSON objects, {METRICS}"),
    "metric": ({"metrics": [1]}, f"meta.metrics is [1]: it must be a list of JSON objects, {METRICS}"),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_what_an_answer_cannot_repeat_is_refused(given, said):
    with pytest.raises(BadData) as caught:
        meta(given)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    "metric",
    [
        {"key": 1},
        {"type": "RATE"},
        {"type": True},
        {"type": 3},
        {"value": "1"},
        {"value": True},
        {"tags": {"a": 1}},
    ],
    ids=str,
)
def test_a_metric_of_other_types_is_refused(metric):
    with pytest.raises(BadData, match=r"meta\.metrics is "):
        meta({"metrics": [{"key": "k", "type": "GAUGE", "value": 1.5, **metric}]})


def test_what_a_metric_leaves_out_has_a_default():
    given = {"metrics": [{"key": "k", "type": 2, "value": 1, "tags": None}, {}]}
    assert meta(given) == given


def test_tags_may_be_deep():
    given = {"tags": deep(DEEPEST - 1)}
    assert meta(given) == given


@pytest.mark.parametrize(
    ("meta", "header", "wanted"),
    [({"puid": "a"}, "b", "a"), ({}, "b", "b"), ({"puid": ""}, "b", "b"), ({"puid": 1}, "b", "b")],
)
def test_it_is_the_requests_else_the_headers(meta, header, wanted):
    assert puid(meta, header) == wanted


@pytest.mark.parametrize("given", ["a\r\nset-cookie: b", "é", " a", "a ", "x" * 257, None, b"bytes"])
def test_one_that_no_header_may_hold_is_not_taken(given):
    assert uuid.UUID(puid({"puid": given}, given)).version == 4
