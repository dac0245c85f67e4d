"""Which estimators compute row by row to the same bits: called in many ways, over all of scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances

from server.worker.rowwise import COMPOSITES, ESTIMATORS, METHODS, rowwise

# Numbers of rows that are called together: alone, few, many, odd and even.
SPLITS = ([1] * 40, [1, 2, 3, 5, 7, 11, 13, 17], [1, 63, 1, 64, 2, 100])
X, Y = make_classification(60, 4, random_state=0)


def problems():
    """Yield tables that every kind of estimator finds one to be fitted to among."""
    for width, classes in ((4, 3), (30, 2), (130, 12)):
        informative = min(width, 20)
        yield make_classification(
            250, width, n_informative=informative, n_redundant=0, n_classes=classes, random_state=0
        )
    yield make_regression(250, 30, random_state=0)
    yield make_regression(250, 30, n_targets=3, random_state=0)
    yield make_multilabel_classification(250, 30, n_classes=9, random_state=0)
    random = np.random.RandomState(0)
    yield random.randint(0, 5, (250, 30)).astype(float), random.randint(0, 3, 250)
    yield np.abs(random.rand(250, 1)), random.rand(250)


def dense(result):
    return result.toarray() if hasattr(result, "toarray") else np.asarray(result)


def fitted(kind):
    for estimator in _construct_instances(kind):
        for table, target in problems():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    yield clone(estimator).fit(table, target), table
                except (ValueError, TypeError):
                    continue  # It is not for problems of this kind.


def compare(estimator, method, table):
    """Fail where rows have other bits together than apart; return whether there was anything to compare."""
    compared = False
    for dtype in (table.dtype, np.float32):
        rows = np.ascontiguousarray(table, dtype=dtype)
        for split in SPLITS:
            try:
                together = dense(getattr(estimator, method)(rows[: sum(split)]))
            except ValueError:
                continue  # It refuses such a table: no columns are left, or it was fitted to other values.
            starts = np.cumsum([0, *split[:-1]])
            apart = [
                dense(getattr(estimator, method)(rows[start : start + count]))
                for start, count in zip(starts, split, strict=True)
            ]
            assert np.concatenate(apart).tobytes() == together.tobytes(), (method, dtype, split)
            compared = True
    return compared


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_what_is_said_to_compute_row_by_row_gives_the_same_bits(name):
    kind = dict(all_estimators())[name]
    compared = set()
    for estimator, table in fitted(kind):
        for method in sorted(METHODS):
            if rowwise(estimator, method) and hasattr(estimator, method):
                given = dense(estimator.transform(table)) if method == "inverse_transform" else table
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    if compare(estimator, method, given):
                        compared.add(method)
    assert compared


def test_the_names_are_those_of_scikit_learn():
    assert {name for name, _ in all_estimators()} >= ESTIMATORS | COMPOSITES.keys()


KNOWN = {
    "svc": (SVC(), "decision_function"),
    "pipeline": (make_pipeline(StandardScaler(), "passthrough", SVC()), "predict"),
    "columns": (
        make_pipeline(ColumnTransformer([("a", SimpleImputer(), [0, 1]), ("b", "drop", [2])]), SVC()),
        "predict",
    ),
    "union": (Pipeline([("a", FeatureUnion([("b", StandardScaler())])), ("c", SVC())]), "predict"),
    "search": (GridSearchCV(SVC(), {"C": [1, 2]}, cv=2), "predict"),
    "chosen columns": (
        make_pipeline(SelectFromModel(LogisticRegression()), StandardScaler()),
        "transform",
    ),
}
UNKNOWN = {
    "a matrix product": (LogisticRegression(), "predict_proba"),
    "a pipeline with one": (make_pipeline(StandardScaler(), LogisticRegression()), "predict"),
    "a search of one": (GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2), "predict"),
    "a function of the user's": (make_pipeline(FunctionTransformer(np.abs), SVC()), "predict"),
    "what fits": (StandardScaler(), "fit_transform"),
    "what adds up classes": (HistGradientBoostingClassifier(), "predict_proba"),
}


@pytest.mark.parametrize(("estimator", "method"), KNOWN.values(), ids=KNOWN)
def test_known_are(estimator, method):
    assert rowwise(clone(estimator).fit(X, Y), method)


@pytest.mark.parametrize(("estimator", "method"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_are(estimator, method):
    assert not rowwise(clone(estimator).fit(X, Y), method)


def test_probabilities_of_several_outputs_are_no_rows():
    table, targets = make_multilabel_classification(60, 4, n_classes=3, random_state=0)
    forest = RandomForestClassifier(5).fit(table, targets)
    assert rowwise(forest, "predict")
    assert not rowwise(forest, "predict_proba")


def test_a_class_of_the_users_is_unknown():
    class Scaler(StandardScaler):
        pass

    assert not rowwise(Scaler().fit(X), "transform")
