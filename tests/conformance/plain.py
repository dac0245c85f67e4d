"""A component as people write one for the stock wrapper: it loads a model and calls its method.

Run in the wrapper's environment by ``seldon-core-microservice plain.Plain``.
"""

from __future__ import annotations

import importlib
import json
import pickle
import sys
from pathlib import Path

import yaml
from seldon_core.user_model import SeldonNotImplementedError


class Plain:
    def __init__(self, model_uri, xtype="ndarray", predict_method=""):
        self.xtype = xtype
        self.method = predict_method
        folder = Path(model_uri)
        content = yaml.safe_load((folder / "MLmodel").read_text())
        outputs = (content.get("signature") or {}).get("outputs")
        self.outputs = [column["name"] for column in json.loads(outputs)] if outputs else None
        # Not in load(), which the wrapper calls in each of its processes: the tests would wait for it twice.
        self.model = _model(folder, content["flavors"]["sklearn"])
        if xtype == "DataFrame":
            importlib.import_module("pandas")

    def predict(self, X, names=None, meta=None):  # noqa: N803  the wrapper's name
        return self._call(X, names, "predict")

    def transform_input(self, X, names=None, meta=None):  # noqa: N803
        return self._call(X, names, "transform")

    def transform_output(self, X, names=None, meta=None):  # noqa: N803
        return self._call(X, names, "transform")

    def class_names(self):
        if self.outputs is None:
            raise SeldonNotImplementedError("the model has no output signature")
        return self.outputs

    def _call(self, X, names, method):  # noqa: N803
        method = self.method or method
        if not hasattr(self.model, method):
            method = "predict" if method == "transform" else "transform"
        if self.xtype == "DataFrame":
            X = importlib.import_module("pandas").DataFrame(X, columns=names)  # noqa: N806
        return getattr(self.model, method)(X)


def _model(folder, flavor):
    if flavor["serialization_format"] == "skops":
        return importlib.import_module("skops.io").load(folder / flavor["pickled_model"])
    sys.path.insert(0, str(folder / flavor["code"]))
    return pickle.loads((folder / flavor["pickled_model"]).read_bytes())
