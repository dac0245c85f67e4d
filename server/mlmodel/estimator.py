"""The class of a saved estimator, and the methods it is likely to have, without loading it."""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from pathlib import Path

from server.mlmodel import Model

# How much of a file is read: the name of the outermost class stands at its beginning.
_HEAD_BYTES = 64 * 1024
_SKOPS = re.compile(rb'\s*\{\s*"__class__":\s*"([^"]+)",\s*"__module__":\s*"([^"]+)"')
# What pickle itself names before the class of the object.
_MACHINERY = ("copyreg", "copy_reg")

# Methods beside predict by the endings of class names in scikit-learn, XGBoost, LightGBM and CatBoost,
# where every class with such a name has them. That an instance has them may depend on its settings.
_BY_ENDING = (
    (r"Regressor|Ridge|Lasso|ElasticNet|LinearRegression|SVR|KernelRidge", ()),
    (r"LogisticRegression|LogisticRegressionCV|DiscriminantAnalysis", ("predict_proba", "decision_function")),
    (r"GradientBoostingClassifier|AdaBoostClassifier", ("predict_proba", "decision_function")),
    (
        r"RidgeClassifier|RidgeClassifierCV|PassiveAggressiveClassifier|Perceptron|LinearSVC",
        ("decision_function",),
    ),
    (r"SGDClassifier|NearestCentroid|SVC|OneVsOneClassifier", ("decision_function",)),
    (r"OutputCodeClassifier", ()),
    (r"Classifier|ClassifierCV|NB|LabelPropagation|LabelSpreading", ("predict_proba",)),
    (r"IsolationForest|OneClassSVM|EllipticEnvelope|SGDOneClassSVM", ("decision_function", "score_samples")),
    (r"KMeans|Birch", ("transform",)),
    (r"GaussianMixture", ("predict_proba", "score_samples")),
)


def estimator(model: Model) -> str | None:
    """Return the dotted name of the estimator's class, or None where the model does not tell it."""
    for flavor in ("xgboost", "lightgbm", "catboost"):
        content = model.flavors.get(flavor, {})
        named = content.get("model_class") or content.get("model_type")
        if named is not None:
            return str(named)
    sklearn = model.flavors.get("sklearn", {})
    path = model.folder / str(sklearn.get("pickled_model", ""))
    if not path.is_file():
        return None
    if sklearn.get("serialization_format") == "skops":
        return _of_skops(path)
    with path.open("rb") as file:
        return _of_pickle(file.read(_HEAD_BYTES))


def methods(model: Model) -> list[str]:
    """Return the methods that the model is likely to have, the one that is called by default first.

    MLflow gives every estimator that can predict the flavour python_function; what has only the flavour
    of its library transforms.
    """
    function = model.flavors.get("python_function")
    if function is None:
        return ["transform"]
    first = str(function.get("predict_fn") or "predict")
    native = {"sklearn", "xgboost", "lightgbm", "catboost"} & set(model.flavors)
    name = (estimator(model) or "").rpartition(".")[2] if native else ""
    return list(dict.fromkeys([first, *(["predict"] if native else []), *_beside(name)]))


def _beside(name: str) -> tuple[str, ...]:
    return next((found for ending, found in _BY_ENDING if re.search(rf"({ending})$", name)), ())


def _of_skops(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as content, content.open("schema.json") as schema:
            found = _SKOPS.match(schema.read(_HEAD_BYTES))
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OSError):
        return None
    return f"{found[2].decode()}.{found[1].decode()}" if found else None


def _of_pickle(head: bytes) -> str | None:
    texts: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(io.BytesIO(head)):
            if opcode.name == "GLOBAL":
                module, _, name = str(argument).partition(" ")
            elif opcode.name == "STACK_GLOBAL" and len(texts) > 1:
                module, name = texts[-2:]
            else:
                if isinstance(argument, str):
                    texts.append(argument)
                continue
            if module.partition(".")[0] == "cloudpickle":
                return None  # a class or function that stands in the file itself
            if module not in _MACHINERY:
                return f"{module}.{name}"
    except ValueError:
        return None
    return None
