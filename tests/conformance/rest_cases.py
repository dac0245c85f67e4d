"""Requests over REST, picked by hand: each with the row of docs/conformance.md that tells of its answers, or none."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from tests.conformance.models import CLASSES, FEATURES, ROWS

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": "multipart/form-data; boundary=frontier"}
SCORES = [[-0.22568508012717417, 2.236410242744829, 0.9149322555240071]]
TURNED = [row[::-1] for row in ROWS]
FLAT = [value for row in ROWS for value in row]


@dataclass(frozen=True)
class Case:
    """A request to a model, and the id of the row of the table that allows its answers to differ."""

    id: str
    model: str
    path: str = "/predict"
    method: str = "POST"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    row: str | None = None
    like: Case | None = None


def post(
    name: str,
    model: str,
    message: Any,
    row: str | None = None,
    path: str = "/predict",
    like: Any = None,
) -> Case:
    """Return the case of a message in JSON.

    ``like`` is the message that the stock wrapper understands as this server does this one.
    """
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    other = None if like is None else post(f"like {name}", model, like, path=path)
    return Case(name, model, path, "POST", body, JSON, row, other)


def table(rows: Any, names: Any = FEATURES, **more: Any) -> dict[str, Any]:
    """Return a message with an ndarray."""
    return {"data": {"names": names, "ndarray": rows}, **more}


def tensor(shape: Any, values: Any, names: Any = FEATURES) -> dict[str, Any]:
    """Return a message with a tensor."""
    return {"data": {"names": names, "tensor": {"shape": shape, "values": values}}}


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    """Return a multipart form of fields, and files where there is a filename."""
    lines: list[bytes] = []
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename else ""
        head = f'--frontier\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        lines += [head.encode(), content, b"\r\n"]
    return b"".join([*lines, b"--frontier--\r\n"])


SENT = json.dumps(table(ROWS))
LIKE = post("like sent", "svm", table(ROWS))
PATHS = [
    *(post(f"model {path}", "svm", table(ROWS), path=path) for path in ("/predict", "/api/v1.0/predictions")),
    post("model /api/v0.1/predictions", "svm", table(ROWS), path="/api/v0.1/predictions"),
    post("transformer /transform-input", "scaler", table(ROWS), path="/transform-input"),
    post("transformer /transform-output", "scaler", table(ROWS), path="/transform-output"),
    post("transformer /predict", "scaler", table(ROWS)),
    post("transformer /api/v1.0/predictions", "scaler", table(ROWS), path="/api/v1.0/predictions"),
    Case("ping", "svm", "/health/ping", "GET"),
    Case("ping by HEAD", "svm", "/health/ping", "HEAD"),
    Case("status", "svm", "/health/status", "GET"),
    Case("status v1.0", "svm", "/api/v1.0/health/status", "GET"),
    Case("metadata", "svm", "/metadata", "GET", row="metadata"),
    Case("metadata v1.0", "svm", "/api/v1.0/metadata", "GET", row="metadata"),
    Case("openapi", "svm", "/seldon.json", "GET", row="openapi"),
    Case("doc", "svm", "/api/v1.0/doc/", "GET", row="doc"),
    Case("no such path", "svm", "/nothing", "GET", row="no-such-path"),
    Case("a slash too many", "svm", "/predict/", "POST", SENT.encode(), JSON, "no-such-path"),
    Case("predictions by GET", "svm", "/api/v1.0/predictions", "GET", row="wrong-method"),
    Case("predict by PUT", "svm", "/predict", "PUT", SENT.encode(), JSON, "wrong-method"),
    Case("metadata by POST", "svm", "/metadata", "POST", SENT.encode(), JSON, "wrong-method"),
    Case("options", "svm", "/predict", "OPTIONS", row="options"),
    post("route", "svm", table(ROWS), "info", "/route"),
    post("aggregate", "svm", {"seldonMessages": [table(ROWS)]}, "info", "/aggregate"),
]

BODIES = [
    Case("GET with a JSON body", "svm", "/predict", "GET", SENT.encode(), JSON),
    Case("GET with a query", "svm", f"/predict?json={quote_plus(SENT)}", "GET"),
    Case("POST with a query", "svm", f"/predict?other=1&json={quote_plus(SENT)}"),
    Case("form field", "svm", body=f"json={quote_plus(SENT)}".encode(), headers=FORM),
    Case("form field after others", "svm", body=f"a=b&json={quote_plus(SENT)}".encode(), headers=FORM),
    Case(
        "multipart field",
        "svm",
        body=form(("data", None, json.dumps(table(ROWS)["data"]).encode())),
        headers=MULTIPART,
    ),
    Case("multipart file of bytes", "echo", body=form(("binData", "a", b"\x00\xff")), headers=MULTIPART),
    Case("multipart file of text", "echo", body=form(("strData", "a", "é".encode())), headers=MULTIPART),
    Case("multipart text", "echo", body=form(("strData", None, b"text")), headers=MULTIPART),
    Case(
        "multipart json and meta",
        "echo",
        headers=MULTIPART,
        body=form(("jsonData", None, b'{"a": 1}'), ("meta", None, b'{"puid": "p"}')),
    ),
    Case(
        "charset in the content type",
        "svm",
        body=SENT.encode(),
        headers={"content-type": "application/json; charset=utf-8"},
    ),
    Case(
        "json of another kind",
        "svm",
        body=SENT.encode(),
        headers={"content-type": "application/vnd.api+json"},
    ),
    Case("no content type", "svm", body=SENT.encode(), row="content-type", like=LIKE),
    Case(
        "JSON said to be text",
        "svm",
        body=SENT.encode(),
        headers={"content-type": "text/plain"},
        row="content-type",
        like=LIKE,
    ),
    Case("JSON said to be a form", "svm", body=SENT.encode(), headers=FORM, row="content-type", like=LIKE),
    Case("no body", "svm", headers=JSON, row="malformed"),
    Case("no body and no type", "svm", row="malformed"),
    Case("GET without anything", "svm", "/predict", "GET", row="malformed"),
    post("half a body", "svm", SENT[:50].encode(), "malformed"),
    post("not JSON", "svm", b"data", "malformed"),
    post("not UTF-8", "svm", b'{"strData": "\xff"}', "malformed"),
    post("null", "svm", None, "malformed"),
    Case(
        "half a form field",
        "svm",
        body=f"json={quote_plus(SENT[:50])}".encode(),
        headers=FORM,
        row="malformed-field",
    ),
    Case("half a query", "svm", f"/predict?json={quote_plus(SENT[:50])}", "GET", row="malformed-field"),
    Case(
        "multipart field not JSON",
        "svm",
        body=form(("data", None, b"{")),
        headers=MULTIPART,
        row="malformed-field",
    ),
    Case(
        "multipart file not UTF-8",
        "echo",
        body=form(("strData", "a", b"\xff")),
        headers=MULTIPART,
        row="malformed-field",
    ),
    Case("empty multipart form", "svm", body=b"--frontier--\r\n", headers=MULTIPART, row="form"),
    Case(
        "multipart without a boundary",
        "svm",
        body=b"",
        headers={"content-type": "multipart/form-data"},
        row="form",
    ),
    post("a list", "svm", [], "info"),
    post("a number", "svm", 1, "info"),
    post("a string", "svm", "text", "info"),
    post("an empty object", "svm", {}, "info"),
    post("other fields only", "svm", {"instances": ROWS}, "info"),
    post("deep", "echo", b'{"jsonData": ' + b"[" * 5000 + b"]" * 5000 + b"}", "deep"),
    post("lone surrogate", "echo", b'{"strData": "\\ud800"}', "surrogate"),
]

TABLES = [
    post("ndarray", "svm", table(ROWS)),
    post("one row", "svm", table(ROWS[:1])),
    post("whole numbers", "svm", table([[6, 3, 4, 1]])),
    post("large and small numbers", "scaler", table([[1e300, -1e-300, 0.1, 2**53]], None)),
    post("a number beyond 64 bits", "scaler", table([[10**30, 1, 2, 3]])),
    post("tensor", "svm", tensor([2, 4], FLAT)),
    post("tensor of whole numbers", "svm", tensor([1, 4], [6, 3, 4, 1])),
    post("other fields beside", "svm", {**table(ROWS), "other": 1}),
    post("status beside", "svm", {**table(ROWS), "status": {"code": 1}}),
    post("other fields in data", "svm", {"data": {**table(ROWS)["data"], "other": 1}}),
    post("no names for an array", "scaler", {"data": {"ndarray": ROWS}}),
    post("empty names for an array", "scaler", table(ROWS, [])),
    post("names null for an array", "scaler", table(ROWS, None)),
    post("null for the model", "scaler", table([[1, 2, 3, None]]), "nan"),
    post("NaN", "scaler", b'{"data": {"ndarray": [[1, 2, 3, NaN]]}}', "nan"),
    post(
        "names in another order for an array",
        "scaler",
        table(ROWS, FEATURES[::-1]),
        "names-order",
        like=table(TURNED),
    ),
    post(
        "names in another order for a frame",
        "svm",
        table(ROWS, FEATURES[::-1]),
        "names-order",
        like=table(TURNED),
    ),
    post("no names for a frame", "svm", {"data": {"ndarray": ROWS}}, "signature"),
    post("too few columns", "scaler", table([[1, 2, 3]], None), "signature"),
    post("too many columns", "svm", table([[1, 2, 3, 4, 5]]), "signature"),
    post("more names than columns", "scaler", table([[1, 2, 3]]), "signature"),
    post("unknown names", "svm", table(ROWS, ["a", "b", "c", "d"]), "signature"),
    post("unknown names for an array", "scaler", table(ROWS, ["a", "b", "c", "d"]), "signature"),
    post("a name twice", "svm", table(ROWS, [FEATURES[0]] * 4), "signature"),
    post("names that are no strings", "scaler", table(ROWS, [1, 2, 3, 4]), "signature"),
    post("names that are no list", "scaler", table(ROWS, "abcd"), "signature"),
    post("a number as a string", "svm", table([[1, 2, 3, "4"]]), "signature"),
    post("a string", "scaler", table([[1, 2, 3, "four"]]), "signature"),
    post("a boolean", "svm", table([[1, 2, 3, True]]), "signature"),
    post("lists in cells", "svm", table([[[1], [2], [3], [4]]]), "signature"),
    post("text for columns", "svm", {"strData": "text"}, "signature"),
    post("bytes for columns", "svm", {"binData": "YWJj"}, "signature"),
    post("JSON for columns", "svm", {"jsonData": {"a": 1}}, "signature"),
    post("ragged", "svm", table([[1, 2, 3, 4], [1, 2]]), "no-table"),
    post("one row without brackets", "svm", table([1, 2, 3, 4]), "no-table"),
    post("no rows", "svm", table([]), "no-table"),
    post("empty rows", "svm", table([[]]), "no-table"),
    post("ndarray null", "svm", table(None), "no-table"),
    post("ndarray a number", "svm", table(1), "no-table"),
    post("empty data", "svm", {"data": {}}, "no-table"),
    post("data null", "svm", {"data": None}, "no-table"),
    post("data a string", "svm", {"data": "text"}, "no-table"),
    post("data a list", "svm", {"data": ROWS}, "no-table"),
    post("tensor without a shape", "svm", {"data": {"tensor": {"values": FLAT}}}, "no-table"),
    post("tensor without values", "svm", {"data": {"tensor": {"shape": [2, 4]}}}, "no-table"),
    post("tensor of another shape", "svm", tensor([3, 4], FLAT), "no-table"),
    post("tensor of strings", "svm", tensor([1, 4], ["a", "b", "c", "d"]), "no-table"),
    post("tensor null", "svm", {"data": {"tensor": None}}, "no-table"),
    post("tensor of an unknown length", "svm", tensor([-1, 4], FLAT), "tensor-shape"),
    post("tftensor", "svm", {"data": {"tftensor": {"dtype": "DT_DOUBLE"}}}, "no-table"),
    post("two payloads", "echo", {"strData": "a", "binData": "YWJj"}, "two-payloads"),
    post(
        "two arrays",
        "svm",
        {"data": {**table(ROWS)["data"], **tensor([1, 4], [1, 2, 3, 4])["data"]}},
        "two-payloads",
    ),
    post(
        "dataframe_split",
        "svm",
        {"jsonData": {"dataframe_split": {"columns": FEATURES, "data": ROWS}}},
        "mlflow",
        like=tensor([2, 4], FLAT),
    ),
    post(
        "dataframe_records",
        "svm",
        {"jsonData": {"dataframe_records": [dict(zip(FEATURES, ROWS[0], strict=True))]}},
        "mlflow",
        like=tensor([1, 4], ROWS[0]),
    ),
    post("instances", "scaler", {"jsonData": {"instances": ROWS}}, "mlflow", like=tensor([2, 4], FLAT)),
    post("a model that raises", "svm", table([[1, 2, 3, None]]), "model-error"),
]

ECHOES = [
    *(
        post(f"echo of {name}", "echo", message)
        for name, message in {
            "numbers": {"data": {"ndarray": [[1, 2], [3, 4]]}},
            "doubles": {"data": {"ndarray": [[1.5, 2], [3, 4]]}},
            "booleans": {"data": {"ndarray": [[True, False]]}},
            "strings": {"data": {"ndarray": [["a", "b"], ["c", ""]]}},
            "nulls": {"data": {"ndarray": [[1, None], [2.5, 3]]}},
            "three dimensions": {"data": {"ndarray": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]}},
            "a tensor": {"data": {"tensor": {"shape": [2, 2], "values": [1, 2, 3, 4.5]}}},
            "a tensor of three dimensions": {
                "data": {"tensor": {"shape": [2, 1, 2], "values": [1, 2, 3, 4.5]}}
            },
            "text": {"strData": "text"},
            "empty text": {"strData": ""},
            "text of many letters": {"strData": 'äöü €  𝄞 \u2028 "\\/\n\t'},
            "bytes": {"binData": base64.b64encode(bytes(range(256))).decode()},
            "no bytes": {"binData": ""},
            "an object": {"jsonData": {"a": [1, 2.5, None, True, "b", {"c": []}]}},
            "an empty object": {"jsonData": {}},
            "a list of numbers": {"jsonData": [1, 2, 3]},
            "a list of lists": {"jsonData": [[1, 2], [3, 4]]},
            "a JSON string": {"jsonData": "text"},
            "one row": {"data": {"ndarray": [1, 2, 3]}},
            "one row of strings": {"data": {"ndarray": ["a", "b"]}},
            "names": {"data": {"names": ["a", "b"], "ndarray": [[1, 2]]}},
            "null names": {"data": {"names": None, "ndarray": [[1, 2]]}},
            "large whole numbers": {"data": {"ndarray": [[2**63 - 1, -(2**63)]]}},
        }.items()
    ),
    post("echo of mixed cells", "echo", {"data": {"ndarray": [[1, "a"], [2.5, "b"]]}}, "mixed-rows"),
    post("echo of a string that ends with U+0000", "echo", {"data": {"ndarray": [["a\0"]]}}, "mixed-rows"),
    post("echo of booleans and numbers", "echo", {"data": {"ndarray": [[1, True]]}}),
    post("echo of a JSON number", "echo", {"jsonData": 1}, "model-result"),
    post("echo of a JSON null", "echo", {"jsonData": None}, "model-result"),
    post("echo of a number beyond 64 bits", "echo", {"jsonData": {"a": 2**64 + 1}}, "integers"),
    post("bytes that are no base64", "echo", {"binData": "%%%"}, "base64"),
    post("bytes with one letter too many", "echo", {"binData": "YWJjZ"}, "base64"),
    post("bytes as a number", "echo", {"binData": 1}, "base64"),
    post("text as a number", "echo", {"strData": 1}, "info"),
]

KINDS = {
    "big": "nan",
    "bool": None,
    "half": None, "bytes": None, "data-frame": "model-result", "datetime": "dates", "dates": "dates", "dict": None,
    "empty": None, "empty-list": None, "float32": None, "infinite": "nan", "int8": None, "labels": None,
    "limits": None, "list": None, "list-mixed": None, "list-of-dicts": None, "list-of-lists": None,
    "none": "model-result", "objects": None, "one-dimensional": None, "raises": "model-error",
    "scalar": "model-result", "series": "model-result", "strings": None, "three-dimensional": None,
    "tuple": "model-result", "type-error": "model-error", "uint64": None, "zero-dimensional": "model-result",
}  # fmt: skip
RESULTS = [post(f"result {kind}", "echo", {"strData": kind}, row) for kind, row in KINDS.items()]

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

NAMES = [
    post(
        "names in a transformer's answer",
        "echo",
        table([[1, 2]], ["a", "b"]),
        "transformer-names",
        "/transform-input",
    ),
    post("names of other columns", "echo", table([[1, 2]], ["a"]), None, "/transform-input"),
]
# To models that take longer to serve than a quick test may.
MORE = [
    post(
        "postprocessor /transform-output", "postprocessor", table(SCORES, CLASSES), path="/transform-output"
    ),
    post(
        "postprocessor /api/v1.0/predictions",
        "postprocessor",
        table(SCORES, CLASSES),
        path="/api/v1.0/predictions",
    ),
    post(
        "postprocessor tensor", "postprocessor", tensor([1, 3], SCORES[0], CLASSES), path="/transform-output"
    ),
    post(
        "transformer's predictions", "transformer", {"strData": "a"}, "transformer", "/api/v1.0/predictions"
    ),
    post("transformer's /predict", "transformer", {"strData": "a"}, "transformer-predict", "/predict"),
    post("transformer's /transform-input", "transformer", {"strData": "a"}, None, "/transform-input"),
]

CASES = [*PATHS, *BODIES, *TABLES, *ECHOES, *RESULTS, *METAS, *FEEDBACK, *NAMES]
