"""Requests in every form that a message may come in, whole and broken."""

from __future__ import annotations

import json
from urllib.parse import quote_plus

from tests.conformance.models import ROWS
from tests.conformance.rest.case import FORM, JSON, MULTIPART, Case, form, post, table

SENT = json.dumps(table(ROWS))
LIKE = post("like sent", "svm", table(ROWS))
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
