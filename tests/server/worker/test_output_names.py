"""What an answer's columns are called: what the model itself says, and which of several sources counts."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

from server.api.node import output_names
from server.ipc.columnar_table import ColumnarTable
from server.model.batcher import Result
from server.worker.output_names import KEEPING
from server.worker.output_names import names as names_of

FRAME = pd.DataFrame(
    {"age": [30.0, 41.0, 52.0, 63.0], "city": ["a", "b", "a", "c"], "income": [1.0, 3.0, 2.0, 5.0]}
)
NUMBERS = FRAME[["age", "income"]]
BOTH = ColumnTransformer(
    [("scale", StandardScaler(), ["age", "income"]), ("encode", OrdinalEncoder(), ["city"])]
)
TRANSFORMERS = {
    "scaler": (StandardScaler(), NUMBERS, ["age", "income"]),
    "columns": (BOTH, FRAME, ["scale__age", "scale__income", "encode__city"]),
    "one-hot": (OneHotEncoder(), FRAME[["city"]], ["city_a", "city_b", "city_c"]),
    "decomposition": (PCA(1), NUMBERS, ["pca0"]),
    "selection": (SelectKBest(f_regression, k=1), NUMBERS, ["age"]),
    "pipeline": (make_pipeline(StandardScaler(), PCA(2)), NUMBERS, ["pca0", "pca1"]),
    "words": (CountVectorizer(), ["good day", "bad day"], ["bad", "day", "good"]),
    "one-that-cannot-say": (make_pipeline(StandardScaler(), FunctionTransformer()), NUMBERS, None),
}


@pytest.mark.parametrize(("model", "rows", "expected"), TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_a_transformer_says_what_its_columns_are(model, rows, expected):
    fitted = model.fit(rows, [1, 2, 3, 5][: len(rows)])
    known, note = names_of(fitted, "transform", ["x", "y"])
    assert known == expected
    assert note == "" if expected else "get_feature_names_out" in note


def test_one_fitted_without_names_has_those_of_the_signature():
    scaler = StandardScaler().fit(NUMBERS.to_numpy())
    assert names_of(scaler, "transform", ["age", "income"])[0] == ["age", "income"]
    assert names_of(PCA(1).fit(NUMBERS.to_numpy()), "transform", ["age", "income"])[0] == ["pca0"]
    encoder = OneHotEncoder().fit(FRAME[["city"]].to_numpy())
    assert names_of(encoder, "transform", None)[0] == ["x0_a", "x0_b", "x0_c"]


class Old:
    """A transformer as before scikit-learn 1.0."""


@pytest.mark.parametrize("kind", sorted(KEEPING))
def test_old_transformers_that_keep_the_columns_have_the_signatures(kind):
    old = type(kind, (Old,), {})()
    assert names_of(old, "transform", ["a", "b"]) == (["a", "b"], "")
    old.add_indicator = True
    assert names_of(old, "transform", ["a", "b"]) == (None, "")


def test_other_old_transformers_have_none():
    assert names_of(Old(), "transform", ["a", "b"]) == (None, "")


def test_what_is_transformed_back_has_the_columns_that_were_fitted():
    pipeline = make_pipeline(StandardScaler(), PCA(1)).fit(NUMBERS)
    assert names_of(pipeline, "inverse_transform", None)[0] == ["age", "income"]


CLASSES = ["a", "b", "c"]
TARGET = np.array(CLASSES * 4)
X = np.random.RandomState(0).rand(12, 2)


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
def test_a_classifier_has_its_classes(method):
    model = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {}, cv=2).fit(X, TARGET)
    assert names_of(model, method, ["x", "y"])[0] == CLASSES
    assert names_of(model, "predict", ["x", "y"])[0] is None


def test_classes_are_text():
    for classes, expected in (([0, 1], ["0", "1"]), ([False, True], ["False", "True"])):
        model = LogisticRegression().fit(X, np.array(classes * 6))
        assert names_of(model, "predict_proba", None)[0] == expected


def test_pairs_of_classes_and_classes_of_several_outputs_have_no_names():
    pairs = make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo")).fit(X, TARGET)
    assert pairs.decision_function(X).shape[1] == len(CLASSES)
    assert names_of(pairs, "decision_function", None)[0] is None
    several = np.column_stack([TARGET, TARGET])
    for model in (MultiOutputClassifier(LogisticRegression()), RandomForestClassifier(3)):
        assert names_of(model.fit(X, several), "predict_proba", None)[0] is None


TABLE = np.zeros((1, 2))
S, K = ["s0", "s1"], ["k0", "k1"]
SOURCES = {
    "own": (Result(TABLE, ["b", "a"], K), ["a", "b"], ["b", "a"]),
    "own-of-other-names": (Result(TABLE, ["b", "c"], K), ["a", "b"], ["b", "c"]),
    "signature": (Result(TABLE, None, K), S, S),
    "signature-before-numbers": (Result(TABLE, ["0", "1"], K), S, S),
    "model-before-numbers": (Result(TABLE, ["0", "1"], K), None, K),
    "numbers": (Result(TABLE, ["0", "1"], None), None, ["0", "1"]),
    "model": (Result(TABLE, None, K), None, K),
    "model-of-another-width": (Result(TABLE, None, ["k"]), None, ["t:0", "t:1"]),
    "model-where-the-signature-is-of-another-width": (Result(TABLE, None, K), ["s"], K),
    "counted": (Result(TABLE, None, None), None, ["t:0", "t:1"]),
    "columns": (Result(ColumnarTable([[1], ["a"]]), None, K), None, K),
    "rows": (Result([[1, "a"]], None, K), None, K),
    "a-row-of-values": (Result(np.zeros(2), None, None), None, []),
    "a-row-of-values-by-the-signature": (Result(np.zeros(2), None, None), ["label"], ["label"]),
    "text": (Result("text", None, K), S, []),
    "an-empty-frame": (Result(ColumnarTable([[], []]), ["b", "a"], None), S, ["b", "a"]),
}


@pytest.mark.parametrize(("result", "stated", "expected"), SOURCES.values(), ids=SOURCES)
def test_which_source_counts(result, stated, expected):
    assert output_names(result, stated) == expected


def test_nothing_that_a_model_raises_ends_it():
    class Raising:
        @property
        def classes_(self):
            raise RuntimeError("no")

    known, note = names_of(Raising(), "predict_proba", None)
    assert known is None
    assert note == "the columns of predict_proba have no names: Raising raises RuntimeError: no"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert names_of(object(), "predict_proba", None) == (None, "")
