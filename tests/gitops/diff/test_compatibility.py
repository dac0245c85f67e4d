"""Which changes of a signature break those who call the model, or only require more of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.diff.compatibility import effects, signature_effects
from gitops.diff.model import Model
from gitops.manifests.contract import FILE, Column, Contract, read
from tests.gitops.diff.repository import column, contract


def described(folder: Path, **changes: Any) -> Contract:
    (folder / FILE).write_text(json.dumps(contract(**changes)))
    found = read(folder)
    assert found is not None
    return found


def model(content: Contract | None, digest: str = "", type_: str = "MODEL", method: str = "") -> Model:
    return Model("s3://mlflow/model", digest, type_, method, content, None, ())


def told(folder: Path, before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, bool]]:
    found = effects(model(described(folder, **before)), model(described(folder, **after)))
    return [(effect.text, effect.breaking) for effect in found]


def signature(**sides: Any) -> dict[str, Any]:
    return {"signature": contract()["signature"] | sides}


LENGTH, WIDTH, CLASS = column("length"), column("width"), column("class", "long")


@pytest.mark.parametrize(
    ("after", "text", "breaking"),
    [
        (signature(inputs=[LENGTH]), "input column `width` (`double`) is gone", True),
        (
            signature(inputs=[LENGTH, WIDTH, column("a")]),
            "input column `a` (`double`) is new and required",
            True,
        ),
        (
            signature(inputs=[LENGTH, WIDTH, column("a", required=False)]),
            "input column `a` (`double`) is new, optional",
            False,
        ),
        (
            signature(inputs=[LENGTH, column("width", "long")]),
            "input column `width`: type `double` → `long`",
            True,
        ),
        (
            signature(inputs=[LENGTH, column("width", required=False)]),
            "input column `width` is optional now",
            False,
        ),
        (
            signature(inputs=[WIDTH, LENGTH]),
            "input columns have another order, which counts where a request names none: `width`, `length`",
            True,
        ),
        (signature(inputs=None), "inputs: the signature is gone, requests are not checked any more", True),
        (signature(outputs=[]), "output column `class` (`long`) is gone", True),
        (signature(outputs=[CLASS, column("p")]), "output column `p` (`double`) is new", True),
        (signature(outputs=[column("class")]), "output column `class`: type `long` → `double`", True),
        (
            signature(outputs=[column("class", "long", required=False)]),
            "output column `class` is optional now",
            True,
        ),
        (signature(outputs=None), "outputs: `class` → no signature", True),
        (
            signature(params=[{"name": "t", "type": "double", "default": 0.5}]),
            "parameter `t` (`double`) is new",
            False,
        ),
        ({"methods": ["predict"]}, "method `decision_function` of the model is gone", True),
        (
            {"methods": ["predict", "decision_function", "transform"]},
            "method `transform` of the model is new",
            False,
        ),
        ({"flavors": {"sklearn": "1.9.1"}}, "flavours: `python_function`, `sklearn` → `sklearn`", True),
        (
            {"flavors": {"python_function": None, "sklearn": "1.9.2"}},
            "flavour `sklearn`: `1.9.1` → `1.9.2`",
            False,
        ),
        (
            {"estimator": "sklearn.svm._classes.SVR"},
            "estimator: `sklearn.svm._classes.SVC` → `sklearn.svm._classes.SVR`",
            False,
        ),
        ({"python": "3.12.1"}, "Python: `3.13.0` → `3.12.1`", False),
        ({"size": 2_000_000}, "size: `1,000 bytes` → `2,000,000 bytes`", False),
        ({"signed": "yes"}, "signed: `no` → `yes`", False),
        ({"conda_packages": ["libfoo"]}, "conda packages: — → `libfoo`", False),
        ({"mlflow": {"run": "new"}}, "MLflow run: `93bc5efa` → `new`", False),
    ],
)
def test_what_a_contract_changes(tmp_path: Path, after: dict[str, Any], text: str, breaking: bool) -> None:
    assert told(tmp_path, {}, after) == [(text, breaking)]


@pytest.mark.parametrize(
    ("before", "after", "text", "breaking"),
    [
        (
            signature(inputs=None),
            {},
            "inputs: requests are now checked against a signature, there was none",
            True,
        ),
        (
            signature(inputs=[LENGTH, column("width", required=False)]),
            {},
            "input column `width` is required now",
            True,
        ),
        (
            signature(params=[{"name": "t", "type": "double", "default": 0.5}]),
            {},
            "parameter `t` is gone",
            True,
        ),
        (
            signature(params=[{"name": "t", "type": "double", "default": 0.5}]),
            signature(params=[{"name": "t", "type": "long", "default": 1}]),
            "parameter `t`: type `double` → `long`",
            True,
        ),
        (
            signature(params=[{"name": "t", "type": "double", "default": 0.5}]),
            signature(params=[{"name": "t", "type": "double", "default": 0.7}]),
            "parameter `t`: default `0.5` → `0.7`",
            False,
        ),
        (
            signature(outputs=[CLASS, column("p")]),
            signature(outputs=[column("p"), CLASS]),
            "output columns have another order: `p`, `class`",
            True,
        ),
    ],
)
def test_what_becomes_of_another_contract(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], text: str, breaking: bool
) -> None:
    assert (text, breaking) in told(tmp_path, before, after)


def test_how_a_model_is_called(tmp_path: Path) -> None:
    same = described(tmp_path)
    found = effects(model(same, method="predict_proba"), model(same, type_="TRANSFORMER"))
    assert [(effect.text, effect.breaking) for effect in found] == [
        ("graph type: `MODEL` → `TRANSFORMER`, so another method is called", True),
        ("the method that is called: `predict_proba` → that of its flavour", True),
    ]


def test_without_contracts_only_the_digest_is_known(tmp_path: Path) -> None:
    described_ = described(tmp_path)
    assert effects(model(None, "a"), model(None, "a")) == ()
    (unknown,) = effects(model(None, "a"), model(None, "b"))
    assert unknown.text == "there is no `contract.json`: what changes for its callers is not known here"
    (new,) = effects(model(None), model(described_))
    assert new.text == "`contract.json` is new: there is nothing to compare the signature with"
    (gone,) = effects(model(described_), model(None))
    assert gone.text == "`contract.json` is gone: there is nothing to compare the signature with"


COLUMNS = st.none() | st.lists(
    st.builds(Column, st.sampled_from("abcd"), st.sampled_from(["long", "double"]), st.booleans()),
    unique_by=lambda entry: entry.label,
).map(tuple)


def contract_of(inputs: tuple[Column, ...] | None, outputs: tuple[Column, ...] | None) -> Contract:
    return Contract("", 0, {}, "", None, inputs, outputs, (), "", (), (), "", "")


@given(COLUMNS, COLUMNS)
def test_inputs_break_exactly_where_a_request_that_fitted_does_not(
    before: tuple[Column, ...] | None, after: tuple[Column, ...] | None
) -> None:
    """By the signature's rules: all required columns, none that is unknown, each of its type, in the named order."""
    breaking = any(
        effect.breaking for effect in signature_effects(contract_of(before, ()), contract_of(after, ()))
    )
    if before is None or after is None:
        assert breaking == ((before is None) != (after is None))
        return
    new = {entry.label: entry for entry in after}
    old = {entry.label: entry for entry in before}
    fits = (
        all(entry.label in new and new[entry.label].type == entry.type for entry in before)
        and all(entry.label in old and old[entry.label].required for entry in after if entry.required)
        and [entry.label for entry in after if entry.label in old] == [entry.label for entry in before]
    )
    assert breaking == (not fits)


@given(COLUMNS)
def test_what_stays_says_nothing(columns: tuple[Column, ...] | None) -> None:
    same = contract_of(columns, columns)
    assert list(signature_effects(same, same)) == []


@given(COLUMNS, COLUMNS)
def test_every_change_of_the_outputs_breaks_or_only_requires_more(
    before: tuple[Column, ...] | None, after: tuple[Column, ...] | None
) -> None:
    found = list(signature_effects(contract_of((), before), contract_of((), after)))
    assert all(effect.breaking for effect in found)
    if not found:
        sides = [
            None if side is None else [(entry.label, entry.type) for entry in side]
            for side in (before, after)
        ]
        assert sides[0] == sides[1]
