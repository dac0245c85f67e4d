"""Requests over REST, generated: what is right for a model, and what has become wrong at some place."""

from __future__ import annotations

import base64
import copy
import json
import math
from typing import Any
from urllib.parse import quote_plus

from hypothesis import strategies as st

from tests.conformance.echo import RESULTS
from tests.conformance.models import FEATURES
from tests.conformance.rest.case import FORM, JSON, MULTIPART, Case, form

# No model overflows by these, so no answer has what JSON does not know.
numbers = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)
# What asks the echo for something else than itself is picked by hand.
texts = st.text(max_size=8).filter(lambda text: text not in RESULTS)
# numpy cuts what ends with U+0000.
words = texts.map(lambda text: text.rstrip("\0"))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
metas = st.fixed_dictionaries(
    {},
    optional={
        "puid": texts,
        "tags": st.dictionaries(texts, values, max_size=2),
        "routing": st.dictionaries(texts, st.integers(-1, 3), max_size=2),
        "requestPath": st.dictionaries(texts, texts, max_size=2),
    },
)


@st.composite
def tables(draw: st.DrawFn, model: str) -> dict[str, Any]:
    """Return a message that the signature of the iris models allows."""
    rows = draw(st.lists(st.lists(numbers, min_size=4, max_size=4), min_size=1, max_size=4))
    if draw(st.booleans()):
        data: dict[str, Any] = {"ndarray": rows}
    else:
        data = {"tensor": {"shape": [len(rows), 4], "values": [cell for row in rows for cell in row]}}
    if model == "svm" or draw(st.booleans()):
        data["names"] = FEATURES
    return {"data": data, **_with_meta(draw)}


@st.composite
def echoes(draw: st.DrawFn) -> dict[str, Any]:
    """Return a message that the model without a signature hands back."""
    message = draw(
        st.one_of(
            st.fixed_dictionaries({"strData": texts}),
            st.fixed_dictionaries(
                {"binData": st.binary(max_size=20).map(lambda data: base64.b64encode(data).decode())}
            ),
            st.fixed_dictionaries({"jsonData": st.dictionaries(texts, values, max_size=3)}),
            st.fixed_dictionaries({"data": _arrays()}),
        )
    )
    return {**message, **_with_meta(draw)}


@st.composite
def _arrays(draw: st.DrawFn) -> dict[str, Any]:
    cells = draw(st.sampled_from([numbers, st.booleans(), words, st.none() | numbers, st.none() | words]))
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    flat = draw(st.lists(cells, min_size=math.prod(shape), max_size=math.prod(shape)))
    if cells is numbers and draw(st.booleans()):
        return {"tensor": {"shape": shape, "values": flat}}
    return {
        "ndarray": _nested(flat, shape),
        **draw(st.fixed_dictionaries({}, optional={"names": st.lists(texts)})),
    }


def _nested(flat: list[Any], shape: list[int]) -> list[Any]:
    for length in reversed(shape[1:]):
        flat = [flat[start : start + length] for start in range(0, len(flat), length)]
    return flat


def _with_meta(draw: st.DrawFn) -> dict[str, Any]:
    return draw(st.fixed_dictionaries({}, optional={"meta": metas}))


@st.composite
def requests(draw: st.DrawFn, model: str, message: dict[str, Any]) -> Case:
    """Return a message in one of the forms that it may come in, on one of the paths that stand for the same."""
    paths = {
        "scaler": ["/transform-input", "/transform-output", "/predict", "/api/v1.0/predictions"],
        "svm": ["/predict", "/api/v1.0/predictions", "/api/v0.1/predictions"],
        "echo": ["/predict", "/api/v1.0/predictions"],
    }
    path = draw(st.sampled_from(paths[model]))
    text = json.dumps(message)
    bodies = [
        Case("JSON", model, path, "POST", text.encode(), JSON),
        Case("form", model, path, "POST", f"json={quote_plus(text)}".encode(), FORM),
        Case("query", model, f"{path}?json={quote_plus(text)}", "POST"),
        Case("multipart", model, path, "POST", form(*_parts(message)), MULTIPART),
    ]
    return draw(st.sampled_from(bodies))


def _parts(message: dict[str, Any]) -> list[tuple[str, str | None, bytes]]:
    parts: list[tuple[str, str | None, bytes]] = []
    for name, value in message.items():
        if name == "binData":
            parts.append((name, "file", base64.b64decode(value)))
        else:
            parts.append((name, None, value.encode() if name == "strData" else json.dumps(value).encode()))
    return parts


@st.composite
def spoiled(draw: st.DrawFn, message: dict[str, Any]) -> Any:
    """Return a message with something else, or nothing, at one place."""
    message = copy.deepcopy(message)
    holder: Any = message
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
        if isinstance(holder[key], dict | list) and holder[key] and draw(st.integers(0, 3)):
            holder = holder[key]
            continue
        if draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = draw(values)
        return message
