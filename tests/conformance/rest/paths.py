"""Requests to every path, by every method."""

from __future__ import annotations

import json

from tests.conformance.models import CLASSES, ROWS
from tests.conformance.rest.case import JSON, Case, post, table, tensor

SENT = json.dumps(table(ROWS))
SCORES = [[-0.22568508012717417, 2.236410242744829, 0.9149322555240071]]
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
