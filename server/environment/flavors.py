"""What a model needs that lists nothing: the packages of its flavours, at the versions that MLmodel records, and pandas for columns.

Source: the keys that each flavour of MLflow writes, https://mlflow.org/docs/latest/ml/model/#storage-format.
"""

from __future__ import annotations

from typing import Any

from server.environment import mlflow
from server.environment.requirements import Requirements
from server.mlmodel import Model

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
            mlflow.pandas(model),
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
