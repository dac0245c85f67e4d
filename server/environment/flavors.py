"""What a model needs that its requirements do not list: the packages of its flavours, and what MLflow imports to load it.

Sources: the keys that each flavour of MLflow writes, https://mlflow.org/docs/latest/ml/model/#storage-format, and the metadata
of MLflow's packages. mlflow-skinny leaves out numpy and pandas, which mlflow.pyfunc imports.
"""

from __future__ import annotations

from typing import Any

from packaging.version import InvalidVersion, Version

from server.environment.requirements import Requirements
from server.mlmodel import Model
from server.mlmodel.load_plan import PYFUNC

# By flavour: the package, and the key that records its version.
_PACKAGES = {
    "catboost": ("catboost", "catboost_version"),
    "h2o": ("h2o", "h2o_version"),
    "keras": ("keras", "keras_version"),
    "langchain": ("langchain", "langchain_version"),
    "lightgbm": ("lightgbm", "lgb_version"),
    "onnx": ("onnx", "onnx_version"),
    "openai": ("openai", "openai_version"),
    "paddle": ("paddlepaddle", "paddle_version"),
    "pmdarima": ("pmdarima", "pmdarima_version"),
    "prophet": ("prophet", "prophet_version"),
    "python_function": ("cloudpickle", "cloudpickle_version"),
    "pytorch": ("torch", "pytorch_version"),
    "sentence_transformers": ("sentence-transformers", "sentence_transformers_version"),
    "shap": ("shap", "shap_version"),
    "sklearn": ("scikit-learn", "sklearn_version"),
    "spacy": ("spacy", "spacy_version"),
    "spark": ("pyspark", "pyspark_version"),
    "statsmodels": ("statsmodels", "statsmodels_version"),
    # The key's name is of the time when Keras was part of TensorFlow.
    "tensorflow": ("tensorflow", "keras_version"),
    "transformers": ("transformers", "transformers_version"),
    "xgboost": ("xgboost", "xgb_version"),
}
# What a flavour imports beside its own package, and a serialization format beside pickle's.
_BESIDE = {"onnx": ("onnxruntime",), "skops": ("skops",), "cloudpickle": ("cloudpickle",)}
_MLFLOW = {"mlflow", "mlflow-skinny"}
# The first versions that work without pkg_resources, with numpy 2 and with pandas 3.
_WITHOUT_PKG_RESOURCES = Version("3")
_NUMPY_2 = Version("2.16")
_PANDAS_3 = Version("3.16")


def needed(model: Model) -> Requirements:
    """Return the packages of the flavours of ``model``; unpinned where MLmodel records no version.

    Where its signature has columns there is pandas too, for xtype DataFrame.

    A package's local version, such as the +cu121 of a torch, is left out: indexes hold none.
    """
    result = Requirements()
    for flavor, recorded in sorted(model.flavors.items()):
        reason = f"the model lists no requirements and has the flavour {flavor}"
        for text in _of(flavor, recorded):
            if text.partition("==")[0] not in result.names:
                result.add(text, reason)
    if model.inputs and model.inputs.columns:
        result.add(
            _pandas(model),
            "the model lists no requirements and has a signature of columns, for which xtype DataFrame needs it",
        )
    return result


def _of(flavor: str, recorded: dict[str, Any]) -> list[str]:
    package, key = _PACKAGES.get(flavor, ("", ""))
    version = str(recorded.get(key) or "").partition("+")[0]
    needed = []
    # Every servable model has a python_function flavour; only one that is pickled itself records cloudpickle.
    if package and (version or flavor != "python_function"):
        needed.append(f"{package}=={version}" if version else package)
    form = recorded.get("serialization_format")
    if ".sklearn." in str(recorded.get("model_class")):
        # The estimators of xgboost and lightgbm with scikit-learn's interface; lightgbm's are pickled.
        needed.append("scikit-learn")
        form = form or ("cloudpickle" if flavor == "lightgbm" else None)
    return [*needed, *_BESIDE.get(flavor, ()), *_BESIDE.get(str(form), ())]


def complete(model: Model, listed: Requirements) -> None:
    """Add to ``listed`` what it lacks for ``model`` to be loaded with MLflow, if it is.

    What it lists without saying how new it may be is limited to what MLflow's version works with.
    """
    pyfunc = PYFUNC in model.flavors and not model.native
    if pyfunc and not listed.names & _MLFLOW:
        recorded = (model.mlflow_version or "").partition("+")[0]
        listed.add(
            f"mlflow-skinny=={recorded}" if recorded else "mlflow-skinny",
            "mlflow.pyfunc loads the model and its requirements have no mlflow",
        )
    present = listed.names & _MLFLOW
    if not present:
        return
    _together(listed)
    version = _mlflow_version(model, listed)
    if version < _WITHOUT_PKG_RESOURCES:
        missing = f"MLflow {version} imports pkg_resources, which newer ones do not have"
        _ensure(listed, "setuptools", "81", missing, missing)
    if not pyfunc or "mlflow" in present:
        return
    imported = f"mlflow.pyfunc of MLflow {version} imports it"
    older = f"MLflow {version} does not work with newer ones"
    _ensure(listed, "numpy", "2" if version < _NUMPY_2 else None, imported, older)
    _ensure(listed, "pandas", _pandas_limit(version), imported, older)


def _together(listed: Requirements) -> None:
    """Keep mlflow and mlflow-skinny at one version where only one of them is pinned.

    MLflow adds a bare ``mlflow`` to the packages of a model that was logged with mlflow-skinny. Both install the same files, so
    that of two versions some of each would be left.
    """
    for pinned in listed.entries:
        if pinned.name not in _MLFLOW or pinned.version is None:
            continue
        (other,) = _MLFLOW - {pinned.name}
        if any(entry.name == other and entry.open_at(pinned.version) for entry in listed.entries):
            listed.pin(other, pinned.version, f"{pinned.shown} has the same files")


def _pandas(model: Model) -> str:
    """Return the requirement of pandas for ``model``, which lists none: one of the time when it was logged."""
    limit = _pandas_limit(_mlflow_version(model, Requirements()))
    return f"pandas<{limit}" if limit else "pandas"


def _pandas_limit(version: Version) -> str | None:
    return "3" if version < _PANDAS_3 else None


def _ensure(listed: Requirements, name: str, limit: str | None, added: str, limited: str) -> None:
    """Add the package ``name`` below the version ``limit``, or limit what is listed; with the reason for each."""
    if name not in listed.names:
        listed.add(f"{name}<{limit}" if limit else name, added)
    elif limit:
        listed.limit(name, limit, limited)


def _mlflow_version(model: Model, listed: Requirements) -> Version:
    """Return MLflow's version: the one that is listed, else the recorded one, else one as old as can be."""
    pinned = next(
        (entry.version for entry in listed.entries if entry.name in _MLFLOW and entry.version), None
    )
    try:
        return Version(pinned or model.mlflow_version or "1")
    except InvalidVersion:
        return Version("1")
