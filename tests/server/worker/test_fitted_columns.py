"""What is made of a request's rows for a model that was fitted to something else than a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline

from server.worker.exceptions import InvalidInput, is_refusal
from server.worker.fitted_columns import adapter

TEXTS, LABELS = ["good film", "bad film", "fine", "awful"], [1, 0, 1, 0]


def words():
    return make_pipeline(TfidfVectorizer(), LogisticRegression())


OF_TEXTS = {
    "pipeline": words(),
    "pipeline-in-a-pipeline": make_pipeline("passthrough", words()),
    "hashes": make_pipeline(HashingVectorizer(n_features=8), LogisticRegression()),
    "union": make_pipeline(
        FeatureUnion([("a", CountVectorizer()), ("b", TfidfVectorizer())]), LogisticRegression()
    ),
    "vote": VotingClassifier([("a", words()), ("b", words())]),
    "calibrated": CalibratedClassifierCV(words(), cv=2),
    "one-versus-rest": OneVsRestClassifier(words()),
}
ROWS = {
    "frame": pd.DataFrame({"text": TEXTS}),
    "column": np.array(TEXTS, dtype=object)[:, np.newaxis],
    "vector": np.array(TEXTS),
    "list": TEXTS,
}


@pytest.mark.parametrize("model", OF_TEXTS.values(), ids=OF_TEXTS)
def test_what_was_fitted_to_texts_gets_texts(model):
    model.fit(TEXTS, LABELS)
    adapt = adapter(model)
    for rows in ROWS.values():
        assert adapt(rows) == TEXTS
        np.testing.assert_array_equal(model.predict(adapt(rows)), model.predict(TEXTS))
    assert adapt("good film") == ["good film"]


OTHERS = {
    "forest": (RandomForestClassifier(n_estimators=2), np.eye(4)),
    "counts": (make_pipeline(TfidfTransformer(), LogisticRegression()), np.eye(4)),
    "a-column-of-texts": (
        make_pipeline(ColumnTransformer([("a", TfidfVectorizer(), "text")]), LogisticRegression()),
        ROWS["frame"],
    ),
}


@pytest.mark.parametrize(("model", "rows"), OTHERS.values(), ids=OTHERS)
def test_others_get_rows_as_they_come(model, rows):
    assert adapter(model.fit(rows, LABELS)) is None


def test_rows_that_are_no_texts_are_refused():
    adapt = adapter(words().fit(TEXTS, LABELS))
    with pytest.raises(InvalidInput) as caught:
        adapt(pd.DataFrame({"a": TEXTS, "b": TEXTS}))
    assert str(caught.value) == (
        "the rows have 2 columns: the model's first step makes words of texts; send one text a row"
    )
    assert is_refusal(caught.value)
    with pytest.raises(
        InvalidInput, match="row 1: null must be a string: the model's first step makes words of texts"
    ):
        adapt(pd.DataFrame({"a": ["x", None]}))
    assert not is_refusal(ValueError("the model's own"))


def test_what_a_function_makes_words_of_may_be_anything():
    model = make_pipeline(CountVectorizer(analyzer=lambda tokens: tokens), LogisticRegression())
    tokens = [text.split() for text in TEXTS]
    adapt = adapter(model.fit(tokens, LABELS))
    assert adapt(pd.DataFrame({"tokens": tokens})) == tokens
