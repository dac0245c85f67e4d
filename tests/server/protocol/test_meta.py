"""The meta of a message."""

from __future__ import annotations

import pytest

from server.errors import BadData
from server.protocol.meta import meta

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


REFUSED = {
    "a-list": ([], "meta is []: it must be a JSON object"),
    "puid": ({"puid": 7}, "meta.puid is 7: it must be a string"),
    "tags": ({"tags": ["a"]}, 'meta.tags is ["a"]: it must be a JSON object'),
    "path": ({"requestPath": ["a"]}, 'meta.requestPath is ["a"]: it must be a JSON object of strings'),
    "image": ({"requestPath": {"a": 1}}, 'meta.requestPath is {"a": 1}: it must be a JSON object of strings'),
    "metrics": ({"metrics": {}}, "meta.metrics is {}: it must be a list of JSON objects"),
    "metric": ({"metrics": [1]}, "meta.metrics is [1]: it must be a list of JSON objects"),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_what_an_answer_cannot_repeat_is_refused(given, said):
    with pytest.raises(BadData) as caught:
        meta(given)
    assert str(caught.value) == said
