"""Signature enforcement, held against MLflow's own: equal but for the table in docs/signature.md."""

from __future__ import annotations

import base64
import json
import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.schema.enforcement import (
    ACCEPTS,
    Outcome,
    by_mlflow,
    here,
    parameters_by_mlflow,
    parameters_here,
)

TABLE = Path(__file__).parents[3] / "docs" / "signature.md"
ISO = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?")


def differences() -> dict[str, tuple[str, str]]:
    """Return what the table says: by case, MLflow's verdict and this server's."""
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (\w+)[^|]*\| (\w+)[^|]*\| \S[^|]*\|$", TABLE.read_text(), re.MULTILINE
    )
    return {case: (mlflow, own) for case, mlflow, own in rows}


def column(kind: Any, name: str | None = "a", *, required: bool = True) -> dict[str, Any]:
    entry = {"type": kind} if isinstance(kind, str) else dict(kind)
    return {**entry, **({"name": name} if name else {}), "required": required}


def tensor(dtype: str, shape: list[int], name: str | None = None) -> dict[str, Any]:
    return {
        "type": "tensor",
        "tensor-spec": {"dtype": dtype, "shape": shape},
        **({"name": name} if name else {}),
    }


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": items} if isinstance(items, str) else items}


def mapping(values: Any) -> dict[str, Any]:
    return {"type": "map", "values": {"type": values} if isinstance(values, str) else values}


def an_object(required: bool = True, **kinds: Any) -> dict[str, Any]:
    parts = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in kinds.items()}
    return {
        "type": "object",
        "properties": {name: {**part, "required": required} for name, part in parts.items()},
    }


def table(rows: list[Any], names: Any = None) -> dict[str, Any]:
    return {"data": {"ndarray": rows, **({"names": list(names)} if names else {})}}


A = [column("double", "a"), column("double", "b")]
OPTIONAL = [column("double", "a"), column("double", "b", required=False)]
MIXED = [column("string", "s"), column("long", "l"), column("boolean", "b"), column("double", "d")]
# Signature, message, xtype, and the case of the table that the two differ in.
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str, str | None]] = {
    "columns": (A, table([[1.5, 2.5]], "ab"), "DataFrame", None),
    "columns-in-another-order": (A, table([[1.5, 2.5]], "ba"), "DataFrame", None),
    "column-missing": (A, table([[1.5]], "a"), "DataFrame", None),
    "column-twice": (A, table([[1.5, 2.5]], "aa"), "DataFrame", None),
    "column-extra": (A, table([[1.5, 2.5, 3.5]], "abc"), "DataFrame", "unknown-column"),
    "names-missing": (A, table([[1.5, 2.5]]), "DataFrame", None),
    "names-missing-array": (A, table([[1.5, 2.5]]), "ndarray", "names-left-out"),
    "names-array": (A, table([[1.5, 2.5]], "ab"), "ndarray", "array-argument"),
    "optional-missing": (OPTIONAL, table([[1.5]], "a"), "DataFrame", None),
    "optional-there": (OPTIONAL, table([[1.5, None]], "ab"), "DataFrame", None),
    "optional-missing-array": (OPTIONAL, table([[1.5]], "a"), "ndarray", "optional-column"),
    "unnamed": ([column("double", None)] * 2, table([[1.5, 2.5]]), "DataFrame", None),
    "unnamed-keeps-names": ([column("double", None)] * 2, table([[1.5, 2.5]], "xy"), "DataFrame", None),
    "unnamed-too-few": ([column("double", None)] * 2, table([[1.5]]), "DataFrame", None),
    "unnamed-too-many": ([column("double", None)], table([[1.5, 2.5]]), "DataFrame", "unknown-column"),
    "mixed": (MIXED, table([["x", 1, True, 1.5], [None, 2, None, None]], "slbd"), "DataFrame", None),
    "boolean-beside-doubles": (MIXED[2:], table([[True, 1.5], [False, 1.0]], "bd"), "DataFrame", None),
    "boolean-beside-longs": (MIXED[1:3], table([[1, True], [0, False]], "lb"), "DataFrame", None),
    "large-long-beside-doubles": (MIXED[1::2], table([[2**53 + 1, 1.5]], "ld"), "DataFrame", None),
    "boolean-in-many-rows": (
        MIXED[2:],
        table([[row % 2 == 0, row + 0.5] for row in range(200)], "bd"),
        "DataFrame",
        None,
    ),
    "large-long-in-many-rows": (
        MIXED[1::2],
        table([[2**53 + 1 + row, 0.5] for row in range(200)], "ld"),
        "DataFrame",
        None,
    ),
    "whole-number": ([column("double")], table([[2]], "a"), "DataFrame", "whole-number"),
    "whole-numbers-0-1": ([column("double")], table([[0], [1]], "a"), "DataFrame", None),
    "whole-beside-parts": ([column("double")], table([[1], [2.5]], "a"), "DataFrame", None),
    "float": ([column("float")], table([[1.5]], "a"), "DataFrame", "double-for-float"),
    "float-too-large": ([column("float")], table([[1e300]], "a"), "DataFrame", None),
    "float-null": ([column("float")], table([[None]], "a"), "DataFrame", "null-for-float"),
    "double-null": ([column("double")], table([[None]], "a"), "DataFrame", None),
    "long-as-double": ([column("long")], table([[2.0]], "a"), "DataFrame", "double-for-integer"),
    "long-with-part": ([column("long")], table([[2.5]], "a"), "DataFrame", None),
    "long-null": ([column("long")], table([[None]], "a"), "DataFrame", None),
    "long-null-optional": ([column("long", required=False)], table([[None]], "a"), "DataFrame", None),
    "long-beyond-64-bits": ([column("long")], table([[2**70]], "a"), "DataFrame", None),
    "integer": ([column("integer")], table([[2]], "a"), "DataFrame", "long-for-integer"),
    "integer-beyond-32-bits": ([column("integer")], table([[2**40]], "a"), "DataFrame", None),
    "boolean-number": ([column("boolean")], table([[1]], "a"), "DataFrame", None),
    "boolean-null": ([column("boolean")], table([[True], [None]], "a"), "DataFrame", None),
    "string-number": ([column("string")], table([[1]], "a"), "DataFrame", None),
    "string-and-number": ([column("string")], table([["x"], [1]], "a"), "DataFrame", "foreign-value"),
    "boolean-and-null-for-double": (
        [column("double")],
        table([[True], [None]], "a"),
        "DataFrame",
        "foreign-value",
    ),
    "double-beyond-64-bits": ([column("double")], table([[2**70]], "a"), "DataFrame", "large-integer"),
    "time": ([column("datetime")], table([["2026-01-31T12:00:00.123456789"]], "a"), "DataFrame", None),
    "time-null": ([column("datetime")], table([["2026-01-31"], [None]], "a"), "DataFrame", None),
    "time-zone": ([column("datetime")], table([["2026-01-31T12:00:00Z"]], "a"), "DataFrame", None),
    "time-far": ([column("datetime")], table([["9999-01-01"]], "a"), "DataFrame", None),
    "time-number": ([column("datetime")], table([[5]], "a"), "DataFrame", None),
    "time-american": ([column("datetime")], table([["01/31/2026"]], "a"), "DataFrame", "time-format"),
    "times": (
        [column("datetime")],
        table([["2026-01-31"], ["2026-01-31T12:00:00"]], "a"),
        "DataFrame",
        "time-formats-mixed",
    ),
    "bytes": ([column("binary")], table([["AAE="], [None]], "a"), "DataFrame", None),
    "bytes-cut": ([column("binary")], table([["AAE"]], "a"), "DataFrame", None),
    "bytes-foreign": ([column("binary")], table([["A-A-E="]], "a"), "DataFrame", "loose-base64"),
    "array": ([column(array("double"))], table([[[1.5, None]], [[]]], "a"), "DataFrame", None),
    "arrays-of-one-length": ([column(array("long"))], table([[[1, 2]], [[3, 4]]], "a"), "DataFrame", None),
    "array-of-arrays": ([column(array(array("long")))], table([[[[1, 2], [3]]]], "a"), "DataFrame", None),
    "array-of-others": ([column(array("long"))], table([[["x"]]], "a"), "DataFrame", None),
    "array-is-scalar": ([column(array("long"))], table([[1]], "a"), "DataFrame", None),
    "array-null": ([column(array("long"))], table([[None]], "a"), "DataFrame", None),
    "array-null-optional": ([column(array("long"), required=False)], table([[None]], "a"), "DataFrame", None),
    "array-of-any": ([column(array({"type": "any"}))], table([[[1, "x"]], [None]], "a"), "DataFrame", None),
    "array-whole-number": ([column(array("double"))], table([[[2, 3]]], "a"), "DataFrame", "whole-number"),
    "array-of-times": (
        [column(array("datetime"))],
        table([[["2026-01-31"]]], "a"),
        "DataFrame",
        "nested-time",
    ),
    "array-of-bytes": ([column(array("binary"))], table([[["AAE="]]], "a"), "DataFrame", "nested-bytes"),
    "array-of-booleans-null": (
        [column(array("boolean"))],
        table([[[True, None]]], "a"),
        "DataFrame",
        "nested-null",
    ),
    "vector": ([column("sparkml_vector")], table([[[1.5, 2.5]]], "a"), "DataFrame", None),
    "object": (
        [column(an_object(x="double", y="string"))],
        table([[{"x": 1.5, "y": "q"}]], "a"),
        "DataFrame",
        None,
    ),
    "object-lacks": (
        [column(an_object(x="double", y="string"))],
        table([[{"x": 1.5}]], "a"),
        "DataFrame",
        None,
    ),
    "object-lacks-optional": ([column(an_object(False, x="double"))], table([[{}]], "a"), "DataFrame", None),
    "object-null": ([column(an_object(x="double"))], table([[{"x": None}]], "a"), "DataFrame", None),
    "object-null-optional": (
        [column(an_object(False, x="long"))],
        table([[{"x": None}]], "a"),
        "DataFrame",
        None,
    ),
    "object-unknown": (
        [column(an_object(x="double"))],
        table([[{"x": 1.5, "z": 1}]], "a"),
        "DataFrame",
        None,
    ),
    "object-is-text": ([column(an_object(x="double"))], table([["x"]], "a"), "DataFrame", None),
    "array-of-objects": ([column(array(an_object(x="long")))], table([[[{"x": 1}]]], "a"), "DataFrame", None),
    "map": ([column(mapping("long"))], table([[{"x": 1}]], "a"), "DataFrame", None),
    "map-of-arrays": ([column(mapping(array("long")))], table([[{"x": [1]}]], "a"), "DataFrame", None),
    "map-null": ([column(mapping("double"))], table([[{"x": None}]], "a"), "DataFrame", None),
    "any": ([column({"type": "any"})], table([[{"x": [1]}], [3]], "a"), "DataFrame", None),
    "tensor": ([tensor("float64", [-1, 2])], table([[1.5, 2.5]]), "ndarray", None),
    "tensor-deep": ([tensor("int64", [-1, 2, 1])], table([[[1], [2]]]), "ndarray", None),
    "tensor-field": (
        [tensor("float64", [-1, 2])],
        {"data": {"tensor": {"shape": [1, 2], "values": [1.5, 2.5]}}},
        "ndarray",
        None,
    ),
    "tensor-width": ([tensor("float64", [-1, 3])], table([[1.5, 2.5]]), "ndarray", None),
    "tensor-rank": ([tensor("float64", [-1, 1, 2])], table([[1.5, 2.5]]), "ndarray", None),
    "tensor-booleans": ([tensor("bool", [-1, 2])], table([[True, False]]), "ndarray", None),
    "tensor-booleans-for-numbers": ([tensor("float64", [-1, 2])], table([[True, False]]), "ndarray", None),
    "tensor-numbers-for-booleans": ([tensor("bool", [-1, 2])], table([[1, 0]]), "ndarray", None),
    "tensor-text": ([tensor("str", [-1, 2])], table([["a", "bc"]]), "ndarray", None),
    "tensor-text-for-numbers": ([tensor("float32", [-1, 1])], table([["a"]]), "ndarray", None),
    "tensor-text-and-numbers": ([tensor("str", [-1, 2])], table([["a", 1]]), "ndarray", "foreign-value"),
    "tensor-of-objects": ([tensor("object", [-1, 2])], table([["a", 1]]), "ndarray", "object-tensor"),
    "tensor-float": ([tensor("float32", [-1, 2])], table([[1.5, 2]]), "ndarray", "number-for-tensor"),
    "tensor-null": ([tensor("float64", [-1, 2])], table([[1.5, None]]), "ndarray", "null-for-tensor"),
    "tensor-null-for-integers": ([tensor("int64", [-1, 1])], table([[None]]), "ndarray", None),
    "tensor-uint8": ([tensor("uint8", [-1, 2])], table([[0, 255]]), "ndarray", "number-for-tensor"),
    "tensor-uint8-beyond": ([tensor("uint8", [-1, 2])], table([[0, 256]]), "ndarray", None),
    "tensor-integer-with-part": ([tensor("int64", [-1, 1])], table([[1.5]]), "ndarray", None),
    "tensor-vector": ([tensor("float64", [-1])], table([[1.5], [2.5]]), "ndarray", "column-for-vector"),
    "tensor-frame": ([tensor("float64", [-1, 2])], table([[1.5, 2.5]], "xy"), "DataFrame", "tensor-as-frame"),
    "tensor-by-name": ([tensor("float64", [-1, 2], "x")], table([[1.5, 2.5]]), "ndarray", None),
    "tensors": (
        [tensor("float64", [-1, 2, 2], "x"), tensor("int64", [-1], "y")],
        table([[1, [1.5, 2.5, 3.5, 4.5]]], "yx"),
        "ndarray",
        None,
    ),
    "tensors-missing": (
        [tensor("int64", [-1], "x"), tensor("int64", [-1], "y")],
        table([[1]], "x"),
        "ndarray",
        None,
    ),
    "tensors-of-another-size": (
        [tensor("float64", [-1, 2, 2], "x"), tensor("int64", [-1], "y")],
        table([[[1.5, 2.5, 3.5], 1]], "xy"),
        "ndarray",
        None,
    ),
    "tensors-shaped": (
        [tensor("float64", [-1, 1, 2], "x"), tensor("int64", [-1], "y")],
        table([[[[1.5, 2.5]], 1]], "xy"),
        "ndarray",
        "shaped-cell",
    ),
    "tensors-cut": (
        [tensor("int64", [-1], "x"), tensor("int64", [-1], "y")],
        table([[1.5, 1]], "xy"),
        "ndarray",
        "tensor-cut",
    ),
    "record": (A, {"jsonData": {"a": 1.5, "b": 2.5}}, "DataFrame", None),
    "text": ([column("string", None)], {"strData": "x"}, "DataFrame", None),
    "text-for-a-named-column": ([column("string")], {"strData": "x"}, "DataFrame", "one-value"),
    "empty": ([column("double")], table([], "a"), "DataFrame", "no-rows"),
}


@pytest.mark.parametrize(("signature", "message", "xtype", "case"), CASES.values(), ids=CASES)
def test_a_request_is_held_to_its_signature_as_mlflow_does_it(signature, message, xtype, case, tmp_path):
    mlflow, own = both(signature, message, xtype, tmp_path)
    if case is None:
        assert own == mlflow
    else:
        assert own != mlflow
        assert (mlflow.verdict, own.verdict) == differences()[case]


KNOWN = [
    {"name": "heat", "type": "double", "default": 0.5, "shape": None},
    {"name": "top", "type": "long", "default": 3, "shape": None},
    {"name": "stop", "type": "string", "default": ["."], "shape": [-1]},
]
# What a request gives for these parameters, and the case of the table that the two differ in.
PARAMETERS: dict[str, tuple[dict[str, Any], str | None]] = {
    "none": ({}, None),
    "all": ({"heat": 1.5, "top": 1, "stop": ["x", "y"]}, None),
    "whole-number": ({"heat": 1}, None),
    "null": ({"top": None}, None),
    "part": ({"top": 1.5}, None),
    "text-for-number": ({"heat": "1"}, None),
    "scalar-for-list": ({"stop": "x"}, None),
    "double-for-long": ({"top": 1.0}, "double-for-integer"),
    "unknown": ({"tops": 1}, "unknown-parameter"),
}


@pytest.mark.parametrize(("given", "case"), PARAMETERS.values(), ids=PARAMETERS)
def test_parameters_are_held_to_the_signature_as_mlflow_does_it(given, case):
    mlflow, own = parameters_by_mlflow(KNOWN, given), parameters_here(KNOWN, given)
    if case is None:
        assert own == mlflow
    else:
        assert (mlflow.verdict, own.verdict) == differences()[case]


def test_every_difference_in_the_table_is_seen_and_no_other_has_a_name():
    seen = {case for *_, case in (*CASES.values(), *PARAMETERS.values()) if case is not None}
    assert set(differences()) == seen


def both(signature, message, xtype, folder) -> tuple[Outcome, Outcome]:
    copy = json.loads(json.dumps(message))  # MLflow changes what it is given.
    return by_mlflow(
        signature,
        copy,
    ), here(signature, message, xtype, folder)


SCALARS = ("double", "float", "long", "integer", "boolean", "string", "datetime", "binary")
scalar_kinds = st.sampled_from(SCALARS)
kinds = scalar_kinds | st.one_of(
    st.builds(array, scalar_kinds),
    st.builds(mapping, scalar_kinds),
    st.builds(an_object, required=st.booleans(), x=scalar_kinds, y=scalar_kinds),
)
numbers = (
    st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 1, 2, 2**53 + 1])
    | st.floats(allow_nan=False, allow_infinity=False)
)
texts = (
    st.text(string.ascii_letters + string.digits, max_size=4)
    | st.dates().map(str)
    | st.datetimes().map(lambda time: time.replace(microsecond=0).isoformat())
    | st.binary(max_size=4).map(lambda sent: base64.b64encode(sent).decode())
)
anything = st.none() | st.booleans() | numbers | texts


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Return mostly values of a type, and now and then any other."""
    name = kind if isinstance(kind, str) else kind["type"]
    if name == "array":
        fitting: st.SearchStrategy[Any] = st.lists(values(kind["items"]["type"]), max_size=3)
    elif name == "map":
        fitting = st.dictionaries(st.sampled_from("xyz"), values(kind["values"]["type"]), max_size=2)
    elif name == "object":
        parts = {key: values(part["type"]) for key, part in kind["properties"].items()}
        fitting = st.fixed_dictionaries({}, optional=parts) | st.fixed_dictionaries(parts)
    else:
        fitting = {
            "boolean": st.booleans() | st.none(),
            "string": texts | st.none(),
            "datetime": texts | st.none(),
            "binary": texts | st.none(),
            "long": st.integers(-(2**63), 2**63 - 1),
            "integer": st.integers(-(2**31), 2**31 - 1),
        }.get(name, numbers | st.none())
    return st.one_of(fitting, fitting, fitting, anything)


@st.composite
def requests(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[str], list[list[Any]]]:
    drawn = draw(st.lists(st.tuples(kinds, st.booleans()), min_size=1, max_size=3))
    signature = [
        column(kind, "abc"[index], required=required) for index, (kind, required) in enumerate(drawn)
    ]
    sent = draw(st.permutations(signature))
    rows = draw(st.lists(st.tuples(*(values(bare(entry)) for entry in sent)), min_size=1, max_size=3))
    return signature, [entry["name"] for entry in sent], [list(row) for row in rows]


def bare(entry: dict[str, Any]) -> Any:
    return entry["type"] if entry["type"] in SCALARS else entry


@pytest.mark.parametrize("examples", [150, pytest.param(3000, marks=pytest.mark.long)])
def test_any_table_is_held_to_its_signature_as_mlflow_does_it(examples, tmp_path):
    settings(max_examples=examples, deadline=None)(
        given(requests())(lambda request: compare(request, tmp_path))
    )()


def compare(request, tmp_path):
    signature, names, rows = request
    mlflow, own = both(signature, table(rows, names), "DataFrame", tmp_path)
    if own == mlflow:
        return
    known = differences()
    expected = {
        known[case]
        for entry in signature
        for case in reasons(bare(entry), [row[names.index(entry["name"])] for row in rows])
    }
    assert (mlflow.verdict, own.verdict) in expected, (mlflow, own)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=requests())
def test_rows_are_judged_alone(request, tmp_path):
    signature, names, rows = request
    together = here(signature, table(rows, names), "DataFrame", tmp_path)
    alone = [here(signature, table([row], names), "DataFrame", tmp_path) for row in rows]
    assert (together.verdict == ACCEPTS) == all(one.verdict == ACCEPTS for one in alone)


def reasons(kind: Any, sent: list[Any]) -> set[str]:
    """Return the cases of the table in which the two may differ on the values of a column."""
    name = kind if isinstance(kind, str) else kind["type"]
    if name == "array":
        nested = [reasons(kind["items"]["type"], value) for value in sent if isinstance(value, list)]
        return set().union(*nested, inner(kind["items"]["type"]))
    if name in ("map", "object"):
        parts = [
            (kind["values"] if name == "map" else kind["properties"][key], item)
            for value in sent
            if isinstance(value, dict)
            for key, item in value.items()
        ]
        return set().union(*(reasons(part["type"], [item]) | inner(part["type"]) for part, item in parts))
    cases = {"foreign-value", "large-integer"} if any(is_foreign(name, value) for value in sent) else set()
    there = [value for value in sent if value is not None]
    whole = [value for value in there if type(value) is int]
    if name in ("double", "float"):
        cases |= {"whole-number"} if whole else set()
        cases |= {"large-integer"} if any(not -(2**63) <= value < 2**63 for value in whole) else set()
    if name == "float":
        cases |= {"double-for-float"} if there else {"null-for-float"}
    if name in ("long", "integer") and any(type(value) is float and value.is_integer() for value in there):
        cases |= {"double-for-integer"}
    if name == "integer" and whole:
        cases |= {"long-for-integer"}
    if name == "datetime":
        forms = {len(value) for value in there if isinstance(value, str) and ISO.fullmatch(value)}
        cases |= {"time-formats-mixed"} if len(forms) > 1 else set()
        cases |= (
            {"time-format"}
            if any(isinstance(value, str) and not ISO.fullmatch(value) for value in there)
            else set()
        )
    if name == "binary":
        cases |= {"loose-base64"}
    return cases


def inner(name: str) -> set[str]:
    return {"nested-null", *({"datetime": {"nested-time"}, "binary": {"nested-bytes"}}.get(name, ()))}


def is_foreign(name: str, value: Any) -> bool:
    fitting = {"boolean": bool, "string": str, "datetime": str, "binary": str}.get(name, (int, float))
    return value is not None and (
        not isinstance(value, fitting) or (isinstance(value, bool) and name != "boolean")
    )
