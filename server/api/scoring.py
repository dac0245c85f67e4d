"""MLflow's scoring protocol: what `mlflow models serve` answers at /invocations, /ping, /health and /version.

Source: mlflow/pyfunc/scoring_server/__init__.py of MLflow 3, and
https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#inference-server-specification
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from server.api.node import Node
from server.api.routes import HttpRequest, HttpResponse, Protocol, Routes
from server.errors import BadData, ServerError
from server.ipc.columnar_table import ColumnarTable, time_texts
from server.mlmodel.signature import Schema
from server.protocol.json_body import JsonBody, nowhere
from server.protocol.json_codec import dumps
from server.protocol.meta import HEADER, puid
from server.schema.json_arrays import mapping
from server.schema.json_data import FORMS, tabled
from server.schema.request import Answer, Fields, Request
from server.shared_state import ByteBudget
from server.telemetry.call_record import identify

PATHS = frozenset(("/invocations", "/ping", "/health", "/version"))
JSON, CSV = "application/json", "text/csv"
# What MLflow's answers have for an error's class, by the HTTP status.
_CODES = {400: "BAD_REQUEST", 404: "RESOURCE_DOES_NOT_EXIST", 503: "TEMPORARILY_UNAVAILABLE"}
_NUMBERS = (
    (int, re.compile(r"[+-]?\d{1,19}")),
    (float, re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")),
)
# What messages call the parts of a request.
BODY = Fields("the body", "the body", "params", by_form=True)
TABLE = Fields("the CSV", "the header of the CSV", "params")
_MISSING = frozenset(("", "NA", "NaN", "nan", "N/A", "NULL", "null", "None", "<NA>"))


class Scoring(Protocol):
    """The protocol's routes, which take from the budget while they are answered."""

    def __init__(self, node: Node, budget: ByteBudget) -> None:
        health = {"GET": self._ping}
        routes: Routes = {
            "/invocations": {"POST": self._invocations},
            "/ping": health,
            "/health": health,
            "/version": {"GET": self._version},
        }
        super().__init__(routes, failure)
        self._node = node
        self._budget = budget
        self._places = places if node.takes_tables else nowhere

    async def _ping(self, _: HttpRequest) -> HttpResponse:
        self._node.check_ready()
        return HttpResponse(200, b"\n", JSON)

    async def _version(self, _: HttpRequest) -> HttpResponse:
        return HttpResponse(
            200, (self._node.model.mlflow_version or "").encode(), "text/plain; charset=utf-8"
        )

    async def _invocations(self, http: HttpRequest) -> HttpResponse:
        node = self._node
        node.client.admit()  # Before the request is parsed, which takes longer than to refuse it.
        body = JsonBody(http.body)
        with self._budget.reserved(body.cost) as more:
            kind, parse = http.headers.get("content-type", ""), partial(body.parse, self._places, more)
            request = decode(kind, http.body, node.model.inputs, parse)
            given = identify(puid({}, http.headers.get(HEADER)))
            answer, _ = await node.answer(node.role, self._fitted(request))
            return HttpResponse(200, encode(answer), headers={HEADER: given})

    def _fitted(self, request: Request) -> Request:
        """Return a request without the columns that the signature lacks, as MLflow leaves them out."""
        model = self._node.model
        if model.chats or model.inputs is None or not model.inputs.columns or model.inputs.names is None:
            return request
        request = tabled(request, model.inputs, nested=self._node.input_type.nested)
        names = request.names or []
        keep = [index for index, name in enumerate(names) if name in model.inputs.names]
        if len(keep) == len(names):
            return request
        table = request.values
        values = (
            table[:, keep]
            if isinstance(table, np.ndarray)
            else [[row[index] for index in keep] for row in table]
        )
        return replace(request, values=values, names=[names[index] for index in keep])


def places(message: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield where a message has arrays of numbers (server.protocol.json_body)."""
    if isinstance(message, dict):
        yield message, "instances"
        yield message, "inputs"
        if isinstance(message.get("dataframe_split"), dict):
            yield message["dataframe_split"], "data"


def decode(content_type: str, body: bytes, schema: Schema | None, parse: Callable[[], Any]) -> Request:
    """Return the request that a body holds: JSON in one of MLflow's forms, or CSV with a header.

    What the signature's ``schema`` says is text stays text in a CSV. ``parse`` returns the value of the body that is JSON.

    Raises:
        BadData: it is none.
    """
    kind, _, options = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == CSV:
        return _csv(body, options, schema)
    if kind not in ("", JSON):
        raise BadData(f"the Content-Type is {kind!r}: it must be {JSON} or {CSV}")
    if not body.strip():
        raise BadData('the body is empty: send a JSON object such as {"dataframe_records": [{…}, …]}')
    message = mapping("the body", parse())
    forms = [form for form in FORMS if form in message]
    if len(forms) > 1:
        raise BadData(f"the body has {' and '.join(forms)}: it must have exactly one of {', '.join(FORMS)}")
    return Request("jsonData", message, fields=BODY)


def _csv(body: bytes, options: str, schema: Schema | None) -> Request:
    """Return the table of a CSV: a header, then a row a line; a column of numbers is one, an empty cell is missing."""
    columns = () if schema is None else schema.columns
    text = {column.name for column in columns if column.type == "string"}
    given = dict(option.strip().lower().partition("=")[::2] for option in options.split(";"))
    charset = given.get("charset", "").strip('"') or "utf-8"
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise BadData(f"the charset of the CSV is {charset!r}: it must be utf-8")
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise BadData(f"the CSV is not UTF-8: {error.reason} at byte {error.start}") from error
    except csv.Error as error:
        raise BadData(f"the CSV cannot be read: {error}") from error
    lines = [line for line in lines if line]
    if len(lines) < 2:
        raise BadData(f"the CSV has {len(lines)} lines: it must have a header and a row at least")
    names, *rows = lines
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise BadData(f"row {number} of the CSV has {len(row)} cells: the header has {len(names)}")
    table = [
        _text(cells) if name in text else _column(cells)
        for name, cells in zip(names, zip(*rows, strict=True), strict=True)
    ]
    table = [list(row) for row in zip(*table, strict=True)]
    return Request("jsonData", {"dataframe_split": {"columns": names, "data": table}}, fields=TABLE)


def _text(cells: Sequence[str]) -> list[Any]:
    return [None if cell in _MISSING else cell for cell in cells]


def _column(cells: Sequence[str]) -> list[Any]:
    """Return a column's cells as numbers or booleans where all of them are, as pandas reads them, else as text."""
    given = [cell for cell in cells if cell not in _MISSING]
    for kind, form in _NUMBERS:
        if all(form.fullmatch(cell) for cell in given):
            values = dict(zip(given, map(kind, given), strict=True))
            return [values.get(cell) for cell in cells]
    flags = {"True": True, "true": True, "TRUE": True, "False": False, "false": False, "FALSE": False}
    if given and all(cell in flags for cell in given):
        return [flags.get(cell) for cell in cells]
    return _text(cells)


def encode(answer: Answer) -> bytes:
    """Return the body of an answer, as MLflow has it: rows of a DataFrame by their names, anything else as it is."""
    values = answer.values
    if isinstance(values, ColumnarTable) or (
        isinstance(values, np.ndarray) and answer.own and values.ndim == 2
    ):
        rows = (
            time_texts(values)
            if isinstance(values, np.ndarray) and values.dtype.kind in "mM"
            else values.tolist()
        )
        values = [dict(zip(answer.names, row, strict=True)) for row in rows]
    elif isinstance(values, np.ndarray) and values.dtype.kind in "mM":
        values = time_texts(values)
    elif isinstance(values, bytes):
        values = values.decode("utf-8", "backslashreplace")
    return dumps({"predictions": values})


def failure(error: ServerError) -> bytes:
    """Return the body of an error."""
    code = _CODES.get(error.status, "BAD_REQUEST" if error.status < 500 else "INTERNAL_ERROR")
    return dumps({"error_code": code, "message": str(error)})
