"""Large arrays of numbers: the same request, or the same error, as where orjson parses all of the body."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.api import scoring
from server.errors import BadData
from server.protocol import json_body, json_codec
from server.protocol.json_body import LEAST_BYTES, MOST_OTHERS, JsonBody, json_cost, parse
from server.protocol.v2 import json_codec as v2
from server.schema.json_arrays import Doubles, as_written
from server.schema.json_data import tabled

# What stands in a cell: numbers as clients write them, and what is none or no JSON.
SMALL = st.sampled_from(["0", "-0", "1", "7", "-3", "0.5", "-0.0", "5.0", "2E-5", "1e3"])
WHOLE = st.sampled_from(["0", "-0", "7", "-3", "9007199254740992", "9007199254740993", "9223372036854775807"])
POINT = st.sampled_from(["0.5", "-0.0", "5.0", "1e3", "2E-5", "1.5e300", "123456.789", "9007199254740993.0"])
OTHER = st.sampled_from(
    [
        "18446744073709551615",
        "99999999999999999999",
        "1e400",
        "null",
        "true",
        '"a"',
        "[1]",
        "{}",
        "01",
        "1.",
        "NaN",
        "-",
    ]
)
SPACE = st.sampled_from(["", " ", "\n  "])


@st.composite
def arrays(draw, dimensions):
    """Return an array's text of at least LEAST_BYTES, at times with rows of several lengths or cells of other kinds."""
    cells = draw(st.sampled_from([WHOLE, POINT, SMALL, WHOLE | POINT, SMALL | OTHER]))
    space = draw(SPACE)
    width = draw(st.integers(1, 5))
    lengths = draw(st.sampled_from([(width,)] * 6 + [(width, width + 1), (width, 0), (1, 0, 0), (0,)]))
    pool = draw(st.lists(cells, min_size=3, max_size=12))
    size = len("".join(pool)) // len(pool) + 1
    count = 2 * LEAST_BYTES // (size * width) + 2
    position = iter(range(10**9))

    def row():
        length = draw(st.sampled_from(lengths))
        return "[" + f",{space}".join(pool[next(position) % len(pool)] for _ in range(length)) + "]"

    if dimensions == 1:
        return "[" + f",{space}".join(pool[next(position) % len(pool)] for _ in range(count * width)) + "]"
    rows = [row() for _ in range(count)]
    if dimensions == 3:
        rows = [f"[{first},{second}]" for first, second in zip(rows[::2], rows[1::2], strict=False)]
    return "[" + f",{space}".join(rows) + "]"


def ignored(cost):
    """Take any number of bytes."""


def read_v2(body):
    json_part, raw = v2.parts(body, None)
    return v2.decode(json_part.parse(v2.places, ignored), raw)


def read_form(body, places):
    return tabled(scoring.decode("", body, None, lambda: JsonBody(body).parse(places, ignored)))


def outcome(read):
    """Return what a request holds in full, or its error."""
    try:
        found = read()
    except BadData as error:
        return str(error)
    return found


def same(one, other):
    """Return whether two values are the same to the bit, the type and, of a table, what JSON had in its cells."""
    if isinstance(one, np.ndarray):
        if type(one) is not type(other):
            # A table whose numbers are found to be doubles when somebody asks.
            one, other = as_written(one), as_written(other)
        return (
            type(one) is type(other)
            and (not isinstance(one, Doubles) or repr(as_written(one)) == repr(as_written(other)))
            and (not isinstance(one, np.ndarray) or (one.dtype, one.shape) == (other.dtype, other.shape))
            and np.asarray(one).tobytes() == np.asarray(other).tobytes()
        )
    return type(one) is type(other) and repr(one) == repr(other)


@given(
    arrays(2) | arrays(3) | arrays(1),
    st.sampled_from(['"names": ["a", "[[1,2]]"],', "", '"ndarray": 3,', '"x": [[1,2],[3,4]],']),
)
@example("[[1,[2],3],[4,[5],6]," + ",".join(["[7,[8],9]"] * 100) + "]", "")
@example("[" + ",".join(["[1,2,3]", "[4]", "[5,6,7,8,9]"] * 60) + "]", "")
@example("[[1]," + ",".join(["[]"] * 300) + "]", "")
@example("[[[1,1]" + ",[1,1]" * 100 + "],[],[[1,2]]]", "")
@example("[[[1,1]" + ",[0.5,1]" * 100 + "]]", "")
@example("[" + ",".join(["[1e3,2.5]"] * 100) + "]", "")
def test_rows_of_a_seldon_message(text, beside):
    body = f'{{"data": {{{beside}"ndarray": {text}}}}}'.encode()
    read, plain = read_by_both(body)
    assert read == plain if isinstance(plain, str) else same(read.values, plain.values)
    assert isinstance(plain, str) or read.names == plain.names


@given(arrays(1) | arrays(2), st.sampled_from(["[2, 100]", "[300]", '"x"', "[{count}, 1]"]))
def test_values_of_a_tensor(text, shape):
    try:
        shape = shape.format(count=len(orjson.loads(text)))
    except ValueError:
        shape = "[1, 1]"
    read, plain = read_by_both(f'{{"data": {{"tensor": {{"shape": {shape}, "values": {text}}}}}}}'.encode())
    assert read == plain if isinstance(plain, str) else same(read.values, plain.values)


@given(
    arrays(1) | arrays(2),
    st.sampled_from(["FP64", "FP32", "FP16", "INT64", "INT8", "UINT8", "UINT64", "BOOL", "BYTES"]),
    st.sampled_from([0, 0, 1]),
)
@example("[" + ",".join(["[70000.5,2.5]"] * 100) + "]", "FP16", 1)
def test_data_of_the_open_inference_protocol(text, datatype, more):
    try:
        shape = list(np.array(orjson.loads(text)).shape)
    except ValueError:
        shape = [100]
    shape[-1] += more
    body = f'{{"inputs": [{{"name": "x", "shape": {shape}, "datatype": "{datatype}", "data": {text}}}]}}'.encode()
    read = outcome(lambda: read_v2(body))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_body, "simdjson", None)
        plain = outcome(lambda: read_v2(body))
    assert read == plain if isinstance(plain, str) else same(read.inputs[0].values, plain.inputs[0].values)


def read_by_both(body):
    """Return what a Seldon message is read as, by simdjson where it has numbers, and by orjson."""
    return (
        outcome(lambda: json_codec.decode(JsonBody(body).parse(json_codec.places, ignored))),
        outcome(lambda: json_codec.decode(parse(body))),
    )


@given(arrays(2) | arrays(3) | arrays(1), st.sampled_from(["instances", "inputs", "dataframe_split"]))
def test_a_form_of_mlflow(text, form):
    inner = f'{{"data": {text}}}' if form == "dataframe_split" else text
    body = f'{{"{form}": {inner}}}'.encode()
    read = outcome(lambda: read_form(body, scoring.places))
    plain = outcome(lambda: read_form(body, json_body.nowhere))
    assert read == plain if isinstance(plain, str) else same(read.values, plain.values)


ROWS = [[0.5, 1.5, 2.5, 3.25]] * 200


with_simdjson = pytest.mark.skipif(
    json_body.simdjson is None, reason="pysimdjson has no wheel for this Python"
)


@with_simdjson
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"data": {"names": list("abcd"), "ndarray": ROWS}}, np.array(ROWS)),
        ({"data": {"ndarray": [[1, 2], [3, 4]] * 200}}, np.array([[1, 2], [3, 4]] * 200)),
        ({"data": {"ndarray": [ROWS, ROWS]}}, np.array([ROWS, ROWS])),
        ({"data": {"ndarray": [[0.5] * 300, [1.5] * 300]}}, np.array([[0.5] * 300, [1.5] * 300])),
        (
            {"meta": {"puid": "x"}, "data": {"tensor": {"shape": [400], "values": [0.5] * 400}}},
            np.array([0.5] * 400),
        ),
    ],
)
def test_is_an_array_without_a_list_of_its_numbers(message, expected, monkeypatch):
    body = JsonBody(json.dumps(message).encode())
    monkeypatch.setattr(json_body, "parse", lambda _: pytest.fail("all of the body was parsed by orjson"))
    read = json_codec.decode(body.parse(json_codec.places, ignored))
    assert type(read.values) is np.ndarray
    assert read.values.dtype == expected.dtype
    assert (read.values == expected.reshape(read.values.shape)).all()


def test_an_array_that_is_no_table_stays_lists():
    message = {"jsonData": {"embedding": ROWS, "text": json.dumps(ROWS)}}
    assert JsonBody(json.dumps(message).encode()).parse(json_codec.places, ignored) == message


@pytest.mark.parametrize("part", [b"[", b"[1", b"[1]", b"[[1]", b"[ ", b'["a",1],'])
def test_a_body_is_searched_for_arrays_only_so_far(part, monkeypatch):
    searched = []
    opening = json_body._OPENING
    monkeypatch.setattr(
        json_body,
        "_OPENING",
        SimpleNamespace(match=lambda *given: searched.append(given) or opening.match(*given)),
    )
    body = JsonBody(part * 500_000)
    assert len(searched) <= MOST_OTHERS
    with pytest.raises(BadData):
        body.parse(json_codec.places, ignored)


# Parts of a list, each of which makes as much of a few bytes as JSON can.
PARTS = [
    "1",
    "[]",
    "{}",
    "[0]",
    '""',
    '"a1"',
    '{"":0}',
    '{"a":1}',
    "[0.5,0.5]",
    "[1,2,3,4]",
    "[70001,70002]",
    "[1,0.5]",
    '"\\u00e9"',
    '"é😀"',
]
MEASURE = """
import sys
import numpy as np
from server.errors import ServerError
from server.protocol.json_body import JsonBody
from server.protocol.json_codec import decode, places
from server.schema.json_data import tabled

def now(name):
    return int(open("/proc/self/status").read().split(name)[1].split()[0]) * 1024

part, form = sys.argv[1].encode(), sys.argv[2].encode()
field = b"data" if form == b"ndarray" else b"jsonData"
content = b'{"%b": {"%b": [' % (field, form) + b",".join([part] * (2_000_000 // (len(part) + 1))) + b"]}}"
before = now("VmRSS:")
open("/proc/self/clear_refs", "w").write("5")
body = JsonBody(content)
costs = [body.cost]
try:
    held = tabled(decode(body.parse(places, costs.append)))
    if isinstance(held.values, np.ndarray) and form == b"ndarray":
        # As columns that are not all of one type get their values.
        columns = held.values.T.tolist()
except ServerError:
    pass
print(now("VmHWM:") - before, sum(costs))
"""


@pytest.mark.long
@pytest.mark.parametrize("form", ["other", "ndarray", "instances", "dataframe_records"])
@pytest.mark.parametrize("part", PARTS)
def test_takes_no_more_than_its_cost(part, form):
    if form == "dataframe_records" and not part.startswith("{"):
        pytest.skip("no records")
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, part, form], check=True, capture_output=True, text=True
    )
    took, cost = map(int, measured.stdout.split())
    assert took <= cost


@with_simdjson
def test_numbers_cost_less_than_lists_of_them():
    body = json.dumps(
        {"data": {"ndarray": np.random.default_rng(0).random((20_000, 8)).round(4).tolist()}}
    ).encode()
    assert JsonBody(body).cost < 0.7 * json_cost(body)
