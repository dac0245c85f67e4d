"""Which methods compute row by row, so that a row's answer has the same bits whatever rows are beside it.

Matrix products have not: BLAS adds up in another order for another number of rows. So linear models, mixtures,
neural networks, neighbours, kernels and decompositions are not here, and neither is what runs a function of the user's.
tests/server/worker/test_rowwise.py calls every estimator of scikit-learn in many ways to see that this is so.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping

METHODS = frozenset(
    (
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "score_samples",
        "transform",
        "inverse_transform",
        "apply",
    )
)
# Their answer for several outputs is a list of an array an output, not of rows.
PROBABILITIES = frozenset(("predict_proba", "predict_log_proba"))

ESTIMATORS = frozenset(
    (
        # Trees.
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "ExtraTreeClassifier",
        "ExtraTreeRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
        "IsolationForest",
        "RandomForestClassifier",
        "RandomForestRegressor",
        # libsvm.
        "NuSVC",
        "NuSVR",
        "OneClassSVM",
        "SVC",
        "SVR",
        # A number at a time.
        "Binarizer",
        "IsotonicRegression",
        "KBinsDiscretizer",
        "MaxAbsScaler",
        "MinMaxScaler",
        "OneHotEncoder",
        "OrdinalEncoder",
        "PolynomialFeatures",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "SimpleImputer",
        "StandardScaler",
        # A choice of columns.
        "GenericUnivariateSelect",
        "SelectFdr",
        "SelectFpr",
        "SelectFromModel",
        "SelectFwe",
        "SelectKBest",
        "SelectPercentile",
        "RFE",
        "RFECV",
        "VarianceThreshold",
    )
)
# Packages all of whose models do; tests/server/worker/boosters.py calls them in many ways.
BOOSTERS = frozenset(("catboost", "lightgbm", "xgboost"))
# What only hands rows to other estimators, and where it keeps them.
COMPOSITES = {
    "ColumnTransformer": "transformers_",
    "FeatureUnion": "transformer_list",
    "GridSearchCV": "best_estimator_",
    "Pipeline": "steps",
    "RandomizedSearchCV": "best_estimator_",
}
# What of these is not computed row by row, or not to the same bits.
EXCEPT = {
    # numpy adds a row of eight classes or more up in another order where it is the only one.
    "HistGradientBoostingClassifier": frozenset(("predict_proba",)),
    # They choose columns by an estimator, whose methods they have too.
    "RFE": METHODS - {"transform", "inverse_transform"},
    "RFECV": METHODS - {"transform", "inverse_transform"},
}


def rowwise(model: Any, method: str) -> bool:
    """Return whether a method of a fitted model is known to compute row by row.

    Known are the estimators above, and the models of xgboost, lightgbm and catboost: trees, and sums over a row's values.
    """
    return method in METHODS and all(_known(part, method) for part in parts(model, COMPOSITES))


def _known(estimator: Any, method: str) -> bool:
    kind = type(estimator)
    package = kind.__module__.partition(".")[0]
    if package in BOOSTERS:
        return True
    if package != "sklearn" or kind.__name__ not in ESTIMATORS:
        return False
    if method in PROBABILITIES and getattr(estimator, "n_outputs_", 1) != 1:
        return False
    return method not in EXCEPT.get(kind.__name__, ())


def parts(model: Any, composites: Mapping[str, str]) -> Iterator[Any]:
    """Yield the estimators that a model consists of; the model itself unless it is one of ``composites``."""
    kind = type(model)
    if kind.__module__.partition(".")[0] != "sklearn" or kind.__name__ not in composites:
        yield model
        return
    held = getattr(model, composites[kind.__name__])
    for entry in held if isinstance(held, list) else [(None, held)]:
        if not isinstance(entry[1], str) and entry[1] is not None:  # "passthrough", "drop"
            yield from parts(entry[1], composites)
