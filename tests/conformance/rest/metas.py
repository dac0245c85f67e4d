"""Messages with meta, and feedback."""

from __future__ import annotations

from tests.conformance.models import CLASSES, ROWS
from tests.conformance.rest.case import post, table, tensor

META = {
    "puid": ({"puid": "abc"}, None),
    "empty": ({}, None),
    "tags": ({"tags": {"a": 1, "b": [1.5, None], "c": {"d": True}}}, None),
    "routing": ({"routing": {"a": 1}}, None),
    "requestPath": ({"requestPath": {"before": "image"}}, None),
    "requestPath of this node": ({"requestPath": {"model": "other"}}, None),
    "all": ({"puid": "p", "tags": {"a": "b"}, "routing": {"x": -1}, "requestPath": {"y": "z"}}, None),
    "other fields": ({"other": 1}, None),
    "puid with a newline": ({"puid": "a\r\nb: c"}, None),
    "metrics": ({"metrics": [{"key": "a", "type": "COUNTER", "value": 1, "tags": {"b": "c"}}]}, "metrics"),
    "null": (None, "meta"),
    "a list": ([], "meta"),
    "a string": ("text", "meta"),
    "puid a number": ({"puid": 7}, "meta"),
    "tags a list": ({"tags": [1]}, "meta"),
    "requestPath a list": ({"requestPath": [1]}, "meta"),
    "requestPath of numbers": ({"requestPath": {"a": 1}}, "meta"),
    "metrics a number": ({"metrics": 1}, "meta"),
    "metrics of numbers": ({"metrics": [1]}, "meta"),
}
METAS = [
    post(f"meta {name}", "svm", {**table(ROWS), "meta": meta}, row) for name, (meta, row) in META.items()
]

FEEDBACK = [
    post(f"feedback {name}", "svm", message, row, "/send-feedback")
    for name, message, row in [
        ("of an ndarray", {"request": table(ROWS), "reward": 1}, None),
        ("of a tensor", {"request": tensor([1, 4], [1, 2, 3, 4]), "reward": 0.5}, None),
        ("of text", {"request": {"strData": "a"}}, None),
        ("of nothing", {}, None),
        (
            "with a response",
            {"request": table(ROWS), "response": table([[1, 2, 3]], CLASSES), "reward": 1.0},
            None,
        ),
        ("with truth", {"request": table(ROWS), "truth": {"data": {"ndarray": [[1]]}}}, None),
        ("with meta", {"request": {**table(ROWS), "meta": {"puid": "p", "tags": {"a": 1}}}}, None),
        ("with routing", {"request": table(ROWS), "response": {"meta": {"routing": {"model": 1}}}}, None),
        ("with an unknown field", {"reques": {}}, "malformed"),
        ("with a reward that is none", {"reward": "much"}, "malformed"),
        ("a list", [], "feedback"),
        ("with a reward as a string", {"reward": "1.5"}, "feedback"),
        ("of a ragged ndarray", {"request": table([[1, 2], [3]])}, "feedback"),
        ("of a tensor of another shape", {"request": tensor([3], [1])}, "feedback"),
    ]
]
FEEDBACK += [
    post("feedback v1.0", "svm", {"request": table(ROWS)}, path="/api/v1.0/feedback"),
    post("feedback v0.1", "svm", {"request": table(ROWS)}, path="/api/v0.1/feedback"),
]
