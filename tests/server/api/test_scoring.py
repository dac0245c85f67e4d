"""MLflow's scoring protocol: what clients of `mlflow models serve` send and get."""

from __future__ import annotations

import pytest

from tests.project import MODELS
from tests.server.api.test_rest import FEATURES, ROWS, SCORES, close
from tests.server.api.typed import COLUMNS, echo
from tests.server.running_server import REST, serving

pytestmark = pytest.mark.xdist_group("v2")

CSV = {"content-type": "text/csv"}
RECORDS = [dict(zip(FEATURES, row, strict=True)) for row in ROWS]
FORMS = [
    {"dataframe_split": {"columns": FEATURES, "data": ROWS}},
    {"dataframe_records": RECORDS},
    {"instances": ROWS},
    {"inputs": {name: [row[index] for row in ROWS] for index, name in enumerate(FEATURES)}},
]
TYPED = [{"size": 1.5, "count": 1, "color": "rot", "new": True, "at": "2026-01-31T12:00:00"}]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    with serving(
        folder, MODELS / "iris_svm_model", environ=REST, xtype="auto", predict_method="decision_function"
    ) as served:
        yield served


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("typed")
    with serving(folder, echo(folder, COLUMNS), environ=REST, xtype="DataFrame") as served:
        yield served


@pytest.mark.parametrize("message", FORMS, ids=[next(iter(form)) for form in FORMS])
def test_every_form_is_answered(model, message):
    response = model.post("/invocations", message, headers={"content-type": "application/json"})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"predictions": close(SCORES)}


def test_a_csv_is_answered(model):
    lines = [",".join(FEATURES), *(",".join(map(str, row)) for row in ROWS)]
    response = model.post("/invocations", "\r\n".join(lines).encode(), headers=CSV)
    assert response.json() == {"predictions": close(SCORES)}


def test_a_dataframe_is_answered_by_the_names_of_its_columns(typed):
    response = typed.post("/invocations", {"dataframe_records": TYPED})
    assert response.json() == {"predictions": TYPED}


def test_the_columns_of_a_csv_have_types(typed):
    table = b'size,count,color,new,at\n1.5,1,"r,\xc3\xb6t",True,2026-01-31T12:00:00\n,2,007,False,2026-01-31T12:00:00\n'
    response = typed.post(
        "/invocations", table, headers={"content-type": "text/csv; charset=utf-8; header=present"}
    )
    assert response.status_code == 200, response.text
    assert response.json()["predictions"] == [
        {"size": 1.5, "count": 1, "color": "r,öt", "new": True, "at": "2026-01-31T12:00:00"},
        {"size": None, "count": 2, "color": "007", "new": False, "at": "2026-01-31T12:00:00"},
    ]


def test_a_csv_has_numbers_as_csv_has_them(typed):
    table = b"size,count,color,new,at\n1_0,1,a,True,2026-01-31T12:00:00\n"
    response = typed.post("/invocations", table, headers=CSV)
    assert response.status_code == 400
    assert '"1_0" must be a number' in response.json()["message"]


def test_health_and_version(typed):
    assert typed.client.get("/ping").status_code == typed.client.get("/health").status_code == 200
    assert typed.client.get("/version").text == "3.5.0"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", "application/json", 'the body is empty: send a JSON object such as {"dataframe_records"'),
        (b'{"instances": [[1]], "inputs": [[1]]}', "application/json", "the body has instances and inputs"),
        (
            b"a\n1\n",
            "text/plain",
            "the Content-Type is 'text/plain': it must be application/json or text/csv",
        ),
        (b"a,b\n1\n", "text/csv", "row 1 of the CSV has 1 cells: the header has 2"),
        (b"a,b\n", "text/csv", "the CSV has 1 lines: it must have a header and a row at least"),
        (b'a\n"1\n', "text/csv", "the CSV cannot be read: "),
        (b"a\n\xff\n", "text/csv", "the CSV is not UTF-8: "),
        (b"a\n1\n", "text/csv; charset=latin-1", "the charset of the CSV is 'latin-1'"),
    ],
)
def test_what_is_wrong_is_refused_with_a_message(model, body, kind, words):
    response = model.post("/invocations", body, headers={"content-type": kind})
    assert response.status_code == 400
    assert response.json()["error_code"] == "BAD_REQUEST"
    assert words in response.json()["message"]


FIVE = "the model's signature has the columns 'size', 'count', 'color', 'new', 'at'"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            {"dataframe_split": {"columns": ["size"], "data": [[1.5]]}},
            f"dataframe_split.columns lacks 'count', 'color', 'new', 'at': {FIVE}",
        ),
        (
            {"dataframe_split": {"columns": ["size", "count"], "data": [[1.5]]}},
            "dataframe_split.columns has 2 names, the rows have 1 values: there must be a name a column",
        ),
        (
            {"dataframe_records": [{"size": 1}]},
            f"dataframe_records lacks 'count', 'color', 'new', 'at': {FIVE}",
        ),
        ({"inputs": {"size": [1]}}, f"inputs lacks 'count', 'color', 'new', 'at': {FIVE}"),
        ({"instances": [{"size": 1}]}, f"instances lacks 'count', 'color', 'new', 'at': {FIVE}"),
        ({"inputs": [[1.5, 2]]}, f"inputs has no names of columns: {FIVE}"),
        ({"size": 1}, f"the body lacks 'count', 'color', 'new', 'at': {FIVE}"),
        (
            {"inputs": [[1]], "other": 1},
            "the body has inputs, other: it must have inputs alone, or with params",
        ),
        ({"dataframe_records": {}}, "dataframe_records is {}: it must be a list of objects, one a row"),
        ({"dataframe_records": TYPED, "params": {"top": 1}}, "params has unknown 'top'"),
    ],
    ids=[
        *(
            "split",
            "split-names",
            "records",
            "inputs",
            "instances",
            "no-names",
            "bare",
            "beside",
            "broken",
            "params",
        ),
    ],
)
def test_messages_name_the_fields_of_mlflow(typed, message, said):
    response = typed.post("/invocations", message)
    assert response.status_code == 400
    assert response.json()["message"].startswith(said)


def test_messages_of_a_csv_name_its_header(typed):
    response = typed.post("/invocations", b"size\n1.5\n", headers=CSV)
    assert response.json()["message"] == f"the header of the CSV lacks 'count', 'color', 'new', 'at': {FIVE}"
