"""Which differences from MLflow's scoring server have a name, and that what has none fails."""

from __future__ import annotations

import pytest

from tests.server.flavors.comparison import compared


def case(answer: object, predictions: object) -> dict[str, object]:
    return {
        "parameters": {},
        "answer": answer,
        "error": "",
        "mlflow": {"status": 200, "predictions": predictions},
    }


@pytest.mark.parametrize(
    ("answer", "predictions", "names", "said"),
    [
        ([[1, 0.5]], [{"a": 1, "b": 0.5}], ["a", "b"], "equal"),
        ([[1, 0.5]], [[1, 0.5]], ["t:0", "t:1"], "equal, and names no columns"),
        ({"a": [1]}, {"a": [1]}, None, "equal"),
        ([[None, "YQ=="]], [[float("nan"), "YQ==\n"]], None, "writes NaN, which is no JSON, for null; ends base64 with a line feed"),
        ([0.5], [0.5000000000000001], None, "reads numbers without their last digit"),
    ],
)  # fmt: skip
def test_a_difference_is_named(answer, predictions, names, said):
    assert compared(case(answer, predictions), names) == said


@pytest.mark.parametrize(
    ("answer", "predictions", "names"),
    [
        ([[1, 0.5]], [{"a": 1, "b": 0.5}], ["b", "a"]),
        ([1.0], [1], None),
        ([True], [1], None),
        ([0.5], [0.50001], None),
        ([[1], [2]], [[2], [1]], None),
        (["a"], "b", None),
        ([0], [None], None),
        ([1, 2], [1], None),
    ],
)
def test_one_without_a_name_fails(answer, predictions, names):
    with pytest.raises(AssertionError):
        compared(case(answer, predictions), names)


def test_so_does_a_refusal_that_nobody_expects():
    refused = {"status": 400, "message": "no"}
    with pytest.raises(AssertionError, match="has no name"):
        compared({"parameters": {}, "answer": [1], "error": "", "mlflow": refused})
    assert (
        compared({"parameters": {}, "refused": "data is missing", "error": "", "mlflow": refused})
        == "refuses too"
    )
