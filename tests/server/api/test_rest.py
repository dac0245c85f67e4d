"""The REST interface of a served model: its paths, its answers, and what it says to bad input."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from server.artifact.digest import model_digest
from tests.project import MODELS
from tests.server.running_server import IMAGE, REST, serving

FEATURES = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
ROWS = [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]
SCORES = [
    [0.9663949459143529, 1.0137844346775422, 1.0215099592994648],
    [0.9660782736674745, 1.0133498258843965, 1.0222645232705032],
]
SCALED = [
    [1.1591726272442633, -0.5923730118389178, 0.5922459884397444, 0.26414191647586993],
    [0.18982966369505322, 0.7888075857129604, 0.4217337076989351, 0.5274062850564719],
]
CLASSES = ["Class_0", "Class_1", "Class_2"]
REQUEST = {"data": {"names": FEATURES, "ndarray": ROWS}}


def close(values):
    return [pytest.approx(row, abs=1e-12) for row in values]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    with serving(
        folder,
        MODELS / "iris_svm_model",
        xtype="DataFrame",
        predict_method="decision_function",
        environ={**REST, "SERVER_MAX_BODY_BYTES": "100000"},
    ) as served:
        yield served


@pytest.fixture(scope="module")
def scaler(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scaler")
    with serving(
        folder, MODELS / "iris_preprocessor_model", environ={**REST, "SERVICE_TYPE": "TRANSFORMER"}
    ) as served:
        yield served


@pytest.mark.parametrize("path", ["/predict", "/api/v1.0/predictions", "/api/v0.1/predictions"])
def test_the_model_answers_by_the_method_that_it_was_given(model, path):
    response = model.post(path, REQUEST)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "data": {"names": CLASSES, "ndarray": close(SCORES)},
        "meta": {"requestPath": {"model": IMAGE}},
    }


@pytest.mark.parametrize("path", ["/transform-input", "/api/v1.0/predictions"])
def test_a_scaler_without_python_function_is_served_by_transform(scaler, path):
    response = scaler.post(path, REQUEST)
    assert response.json()["data"] == {"names": FEATURES, "ndarray": close(SCALED)}


def test_a_tensor_is_answered_by_a_tensor(scaler):
    values = [value for row in ROWS for value in row]
    data = scaler.post("/predict", {"data": {"tensor": {"shape": [2, 4], "values": values}}}).json()["data"]
    assert data["tensor"]["shape"] == [2, 4]
    assert data["tensor"]["values"] == pytest.approx([value for row in SCALED for value in row], abs=1e-12)


def test_columns_in_another_order_get_the_same_answer(model):
    turned = {"data": {"names": FEATURES[::-1], "ndarray": [row[::-1] for row in ROWS]}}
    assert model.post("/predict", turned).json()["data"]["ndarray"] == close(SCORES)


def test_meta_of_the_request_goes_on(scaler):
    meta = {"puid": "abc", "tags": {"a": 1}, "requestPath": {"before": "other"}}
    answer = scaler.post("/transform-output", {**REQUEST, "meta": meta}).json()
    assert answer["meta"] == {
        "puid": "abc",
        "tags": {"a": 1},
        "requestPath": {"model": IMAGE, "before": "other"},
    }


def test_a_request_id_is_kept_or_made(scaler):
    made = scaler.post("/predict", REQUEST).headers["seldon-puid"]
    assert len(made) == 36
    assert scaler.post("/predict", REQUEST).headers["seldon-puid"] != made
    kept = scaler.post("/predict", REQUEST, headers={"Seldon-Puid": "mine"})
    assert kept.headers["seldon-puid"] == "mine"
    assert "puid" not in kept.json()["meta"]
    assert scaler.post("/predict", {**REQUEST, "meta": {"puid": "x"}}).headers["seldon-puid"] == "x"


@pytest.mark.parametrize(
    "form",
    [
        {"dataframe_split": {"columns": FEATURES, "data": ROWS}},
        {"dataframe_records": [dict(zip(FEATURES, row, strict=True)) for row in ROWS]},
        {"inputs": {name: [row[index] for row in ROWS] for index, name in enumerate(FEATURES)}},
    ],
    ids=["split", "records", "inputs"],
)
def test_mlflows_forms_in_json_data_are_answered_by_a_tensor(model, form):
    data = model.post("/predict", {"jsonData": form}).json()["data"]
    assert data["names"] == CLASSES
    assert data["tensor"]["shape"] == [2, 3]
    assert data["tensor"]["values"] == pytest.approx([*SCORES[0], *SCORES[1]], abs=1e-12)


def test_feedback_is_taken(model):
    answer = model.post("/api/v1.0/feedback", {"request": REQUEST, "reward": 1.0})
    assert answer.json() == {"data": {"ndarray": []}, "meta": {"requestPath": {"model": IMAGE}}}
    refused = model.post("/send-feedback", {"reques": {}})
    assert refused.status_code == 400
    assert refused.json()["status"]["info"] == (
        "the body has reques: a feedback message has request, response, reward, truth"
    )


@pytest.mark.parametrize(("path", "kind"), [("/route", "a ROUTER"), ("/aggregate", "a COMBINER")])
def test_what_the_node_is_not_is_refused(model, path, kind):
    response = model.post(path, REQUEST)
    assert response.status_code == 400
    assert response.json()["status"]["info"] == f"{path}: this node is a MODEL, not {kind}"


def test_metadata_says_what_the_model_is_and_which_bytes(model):
    for path in ("/metadata", "/api/v1.0/metadata"):
        metadata = model.client.get(path).json()
        assert metadata["name"] == "model"
        assert metadata["versions"] == [model_digest(MODELS / "iris_svm_model")]
        assert metadata["platform"] == "sklearn"
        assert metadata["inputs"] == [
            {"messagetype": "tensor", "schema": {"names": FEATURES, "shape": [-1, 4]}}
        ]
        assert metadata["outputs"] == [
            {"messagetype": "tensor", "schema": {"names": CLASSES, "shape": [-1, 3]}}
        ]
        assert metadata["custom"]["flavors"] == "python_function,sklearn"


def test_the_openapi_document_shows_a_request_that_works(model):
    said = model.client.get("/seldon.json").json()
    assert said["openapi"] == "3.1.0"
    assert said["info"]["version"] == model_digest(MODELS / "iris_svm_model")
    example = said["components"]["examples"]["request"]["value"]
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            sent = {}
            if "requestBody" in operation:
                examples = operation["requestBody"]["content"]["application/json"].get("examples", {})
                own = examples.get("example", {}).get("value", example)
                sent = {"json": {} if "feedback" in path else own}
            response = model.client.request(method, path.replace("{name}", "model"), **sent)
            assert response.status_code == 200, (path, response.text)


def test_the_page_that_shows_it_asks_no_other_address(model):
    moved = model.client.get("/api/v1.0/doc")
    assert (moved.status_code, moved.headers["location"]) == (308, "doc/")
    page = model.client.get("/api/v1.0/doc/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    # But for the name of SVG, which nobody asks for.
    assert {*re.findall(r"https?://[^\"\s]+", page.text)} == {"http://www.w3.org/2000/svg"}
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = page.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", f"script-src 'sha256-{digest}'", "connect-src 'self'"} <= {*policy}


def test_health(model):
    assert model.client.get("/health/ping").text == "pong"
    for path in ("/health/status", "/api/v1.0/health/status"):
        assert model.client.get(path).json() == {
            "strData": "healthy",
            "meta": {"requestPath": {"model": IMAGE}},
        }


BAD = {
    "malformed": (b"{", "the body is not JSON: unexpected end of data: line 1 column 2 (char 1)"),
    "no-data": (
        {},
        "the body has nothing: it must have exactly one of data, jsonData, strData, binData; "
        'send for instance {"data": {"ndarray": [[…], …]}}',
    ),
    "ragged": (
        {"data": {"names": FEATURES, "ndarray": [[1, 2, 3, 4], [1, 2]]}},
        "data.ndarray row 1 has 2 values, row 0 has 4: rows must be of equal length",
    ),
    "string": (
        {"data": {"names": FEATURES, "ndarray": [[1, 2, 3, "four"]]}},
        "column 'petal width (cm)', row 0: \"four\" must be a number, the model's signature says double",
    ),
    "wrong-width": (
        {"data": {"names": FEATURES, "ndarray": [[1, 2, 3]]}},
        "data.names has 4 names, the rows have 3 values: there must be a name a column",
    ),
    "unknown-name": (
        {"data": {"names": ["width", *FEATURES[1:]], "ndarray": ROWS}},
        "data.names lacks 'sepal length (cm)' and has unknown 'width': the model's signature has the columns "
        "'sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width (cm)'",
    ),
    "no-names": (
        {"data": {"ndarray": ROWS}},
        "data.names is missing: the model's signature has the columns "
        "'sepal length (cm)', 'sepal width (cm)', 'petal length (cm)', 'petal width (cm)'",
    ),
}


@pytest.mark.parametrize(("sent", "info"), BAD.values(), ids=BAD)
def test_bad_input_is_a_400_that_says_why(model, sent, info):
    response = model.post("/api/v1.0/predictions", sent)
    assert response.status_code == 400
    assert response.json() == {
        "status": {"code": -1, "info": info, "reason": "MICROSERVICE_BAD_DATA", "status": 1}
    }


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_a_413(model, declared):
    body = b"x" * 100_001
    response = model.client.post(
        "/predict", content=body if declared else iter([body[:70_000], body[70_000:]])
    )
    assert response.status_code == 413
    size = "100001 bytes" if declared else "more than 100000 bytes"
    assert response.json()["status"]["info"] == (
        f"the body has {size}: the limit is 100000; send fewer rows at a time, or raise SERVER_MAX_BODY_BYTES"
    )


def test_a_path_that_is_not_there_is_a_404_with_those_that_are(model):
    response = model.client.get("/nothing")
    assert response.status_code == 404
    assert response.json()["status"]["info"].startswith(
        "/nothing: there is no such path; the server has /aggregate, "
    )


def test_a_model_that_does_not_stream_has_no_such_path(model):
    response = model.post("/predict_stream", REQUEST)
    assert response.status_code == 404
    assert response.json()["status"]["info"] == (
        "the model does not answer in parts: it was not logged by mlflow.pyfunc with predict_stream "
        "(streamable in MLmodel); call /predict"
    )


def test_a_wrong_http_method_is_a_405(model):
    response = model.client.get("/api/v1.0/predictions")
    assert response.status_code == 405
    assert response.json()["status"]["info"] == "GET /api/v1.0/predictions: this path answers to POST"
    assert response.headers["allow"] == "POST"
    assert model.client.put("/predict").headers["allow"] == "GET, POST"


def test_a_gap_that_the_model_refuses_is_the_clients_doing(model):
    response = model.post("/predict", {"data": {"names": FEATURES, "ndarray": [[1, 2, 3, None]]}})
    assert response.status_code == 400
    status = response.json()["status"]
    assert status["reason"] == "MICROSERVICE_BAD_DATA"
    assert status["info"].startswith("the model cannot take the request: Input X contains NaN.\n")
    assert "Traceback" not in model.log.read_text()
