"""What is logged by which MLflow on which Python."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Logging:
    """A script in ``logged`` that logs ``models``, the Python that it runs on and what is installed for it.

    The models' own requirements are the same list, without those that are ``only_to_log``.
    """

    script: str
    python: str
    requirements: tuple[str, ...]
    models: tuple[str, ...]
    only_to_log: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The tests that run one after another, since they share environments and servers."""
        return f"{self.script}-{self.python}"

    @property
    def mlflow(self) -> str:
        """The version of MLflow that logs."""
        both = self.requirements + self.only_to_log
        return next(each for each in both if each.startswith("mlflow")).partition("==")[2]

    @property
    def served_with(self) -> tuple[str, ...]:
        """What MLflow's scoring server needs beside mlflow-skinny to be asked."""
        major, minor = map(int, self.mlflow.split(".")[:2])
        # Later ones of FastAPI have not all that it calls.
        return ("httpx==0.28.1", "fastapi==0.116.1") if (major, minor) >= (2, 20) else ("flask==3.0.3",)

    def __str__(self) -> str:
        return f"{self.script}-mlflow-{self.mlflow}-python-{self.python}"


def locked(*names: str) -> tuple[str, ...]:
    """Return requirements at the versions of the locked development environment: the newest there are."""
    return tuple(f"{name}=={version(name)}" for name in names)


NAMED = (
    "named_scaler",
    "named_columns",
    "named_tree",
    "named_encoder",
    "named_components",
    "named_classes",
    "named_frame",
)
HINTED = ("numpy==2.2.6", "pandas==2.2.3", "setuptools==75.8.0")
HINTS = (
    *("texts", "integers", "vectors", "items", "maps", "times", "bytes", "anything", "upper"),
    *("visits", "weighed"),
)
COLUMNS = (
    *("double_long", "long_float", "float_integer", "integer_boolean", "boolean_string", "string_double"),
    *("counted", "text", "doubles", "longs", "booleans"),
)
TEXTS = tuple(
    f"{kind}_{signature}"
    for kind in ("pipeline", "union", "search")
    for signature in ("tensor", "named", "unnamed", "none")
)
BOOSTED = ("lightgbm==4.6.0", "scikit-learn==1.6.1", "numpy==2.2.6", "pandas==2.2.3", "setuptools==75.8.0")
CATEGORIES = (
    "lightgbm_categories",
    "lightgbm_booster_categories",
    "xgboost_categories",
    "xgboost_booster_categories",
)
CHATS = (
    Logging(
        "chats",
        "3.10",
        (
            "mlflow-skinny==2.22.2",
            "pydantic==2.11.9",
            "numpy==1.26.4",
            "pandas==2.2.3",
            "setuptools==75.8.0",
        ),
        ("chat", "agent", "plain", "signed"),
    ),
    Logging(
        "chats",
        "3.13",
        locked("mlflow-skinny", "pydantic", "numpy", "pandas"),
        ("chat", "agent", "plain", "signed", "responses"),
    ),
)
MATRIX = (
    Logging(
        "classic",
        "3.8",
        (
            "mlflow-skinny==1.14.0",
            "scikit-learn==0.24.2",
            "lightgbm==3.3.5",
            "numpy==1.21.6",
            "pandas==1.3.5",
            "scipy==1.7.3",
            "protobuf==3.20.3",
            "setuptools==68.2.2",
        ),
        ("classic_sklearn", "classic_lightgbm", "classic_python"),
    ),
    *(
        Logging(
            "modules",
            "3.8",
            (
                f"mlflow-skinny=={mlflow}",
                "numpy==1.21.6",
                "pandas==1.3.5",
                "scipy==1.7.3",
                "protobuf==3.20.3",
                "setuptools==65.7.0",
            ),
            ("code_folder", "code_package"),
        )
        for mlflow in ("1.25.1", "1.26.1", "1.30.1", "2.12.2")
    ),
    Logging(
        "mixed",
        "3.9",
        (
            "mlflow-skinny==2.3.2",
            "scikit-learn==1.2.2",
            "numpy==1.24.4",
            "pandas==1.5.3",
            "setuptools==68.2.2",
        ),
        ("mixed",),
    ),
    Logging(
        "custom",
        "3.10",
        ("mlflow-skinny==2.12.2", "numpy==1.26.4", "pandas==2.2.3", "setuptools==75.8.0"),
        ("custom",),
        only_to_log=("scipy==1.11.4",),
    ),
    Logging(
        "boosters",
        "3.11",
        (
            "mlflow-skinny==2.22.2",
            "xgboost-cpu==3.0.5",
            "lightgbm==4.6.0",
            "catboost==1.2.8",
            "scikit-learn==1.6.1",
            "numpy==2.2.6",
            "pandas==2.2.3",
            "setuptools==75.8.0",
        ),
        (
            "xgboost_booster",
            "xgboost_margin",
            "lightgbm_estimator",
            "catboost_classifier",
            "catboost_categories",
        ),
    ),
    Logging(
        "tensors",
        "3.12",
        ("mlflow-skinny==3.5.1", "onnx==1.19.1", "onnxruntime==1.23.2", "numpy==2.3.4", "pandas==2.3.3"),
        ("onnx", "onnx_named"),
    ),
    Logging(
        "answers",
        "3.12",
        (
            "mlflow-skinny==2.22.2",
            "numpy==2.2.6",
            "pandas==2.2.3",
            "polars==1.31.0",
            "pyarrow==20.0.0",
            "scipy==1.15.3",
            "setuptools==75.8.0",
        ),
        ("answers",),
    ),
    Logging(
        "named",
        "3.9",
        (
            "mlflow-skinny==2.3.2",
            "scikit-learn==0.24.2",
            "numpy==1.22.4",
            "pandas==1.4.4",
            "scipy==1.8.1",
            "setuptools==68.2.2",
        ),
        NAMED,
    ),
    Logging(
        "named", "3.13", locked("mlflow-skinny", "scikit-learn", "skops", "numpy", "pandas", "scipy"), NAMED
    ),
    Logging(
        "mixed",
        "3.13",
        locked("scikit-learn", "skops", "numpy", "pandas", "scipy"),
        ("mixed",),
        only_to_log=locked("mlflow-skinny"),
    ),
    Logging("custom", "3.13", locked("mlflow-skinny", "numpy", "pandas"), ("custom",)),
    Logging("hints", "3.12", (*HINTED, "mlflow-skinny==2.22.2"), HINTS),
    Logging("hints", "3.13", locked("mlflow-skinny", "numpy", "pandas"), HINTS),
    Logging(
        "columns",
        "3.10",
        ("mlflow-skinny==2.12.2", "numpy==1.26.4", "pandas==2.2.3", "setuptools==75.8.0"),
        COLUMNS,
        # MLflow's inference of a signature imports scipy; without that it says `any`.
        only_to_log=("scipy==1.11.4",),
    ),
    Logging(
        "columns",
        "3.13",
        locked("mlflow-skinny", "numpy", "pandas"),
        COLUMNS,
        only_to_log=locked("scipy"),
    ),
    Logging(
        "texts",
        "3.9",
        (
            "mlflow-skinny==2.3.2",
            "scikit-learn==1.2.2",
            "numpy==1.24.4",
            "pandas==1.5.3",
            "setuptools==68.2.2",
        ),
        TEXTS,
    ),
    Logging(
        "texts",
        "3.13",
        locked("scikit-learn", "numpy", "pandas", "scipy"),
        TEXTS,
        only_to_log=locked("mlflow-skinny"),
    ),
    Logging("categories", "3.11", (*BOOSTED, "xgboost-cpu==3.0.5", "mlflow-skinny==2.22.2"), CATEGORIES),
    Logging(
        "categories",
        "3.13",
        (
            "xgboost-cpu==3.2.0",
            "lightgbm==4.7.0",
            *locked("mlflow-skinny", "scikit-learn", "skops", "numpy", "pandas", "scipy"),
        ),
        CATEGORIES,
    ),
)
# Those of `make test-all`, from MLflow 1 to the newest; the others are tried once a week.
OFTEN = {
    *("classic-3.8", "boosters-3.11", "answers-3.12", "tensors-3.12", "named-3.13", "mixed-3.13"),
    *("custom-3.13", "hints-3.13"),
}
