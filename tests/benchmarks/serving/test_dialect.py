from __future__ import annotations

import numpy as np
import orjson
import pytest

from benchmarks.serving.dialect import MLFLOW, SELDON, SELDON_GRPC, V2, V2_GRPC, framed
from benchmarks.serving.rows import expected, rows
from server.protocol.proto.messages import SeldonMessage


def test_rows_are_asked_in_the_words_of_each_protocol() -> None:
    two = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
    assert orjson.loads(SELDON.body(two))["data"]["ndarray"] == two.tolist()
    [tensor] = orjson.loads(V2.body(two))["inputs"]
    assert (tensor["shape"], tensor["data"]) == ([2, 4], two.ravel().tolist())
    assert orjson.loads(MLFLOW.body(two))["dataframe_split"]["data"] == two.tolist()
    assert list(SeldonMessage.FromString(SELDON_GRPC.body(two)).data.tensor.shape) == [2, 4]


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        (SELDON.values, b'{"data":{"ndarray":[[1,2,3]]}}'),
        (V2.values, b'{"outputs":[{"shape":[1,3],"data":[1,2,3]}]}'),
        (MLFLOW.values, b'{"predictions":[[1,2,3]]}'),
        (SELDON_GRPC.values, SELDON_GRPC.body(np.array([[1.0, 2, 3]]))),
        (V2_GRPC.values, V2_GRPC.body(np.array([[1.0, 2, 3]]))),
    ],
    ids=["seldon", "v2", "mlflow", "seldon by gRPC", "v2 by gRPC"],
)
def test_values_are_found_in_answers(values, answer: bytes) -> None:  # type: ignore[no-untyped-def]
    assert values(answer).tolist() == [[1, 2, 3]]


def test_a_grpc_message_has_a_prefix() -> None:
    assert framed(b"abc") == b"\x00\x00\x00\x00\x03abc"


def test_the_model_itself_says_what_is_right() -> None:
    assert rows(151).shape == (151, 4)
    assert rows(151)[150].tolist() == rows(1)[0].tolist()
    assert expected(rows(2)).shape == (2, 3)
