"""Every setting of the server: where its value comes from, its default and its meaning.

`make docs` writes docs/settings.md from this file.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.setting import setting


@dataclass(frozen=True)
class ServeSettings:
    """Settings of ``serve``."""

    model_uri: str = setting(
        "/mnt/models", "Folder that holds the model, as `fetch` left it.", parameter="model_uri"
    )
    xtype: str = setting(
        "ndarray",
        "What the model's method gets: a numpy array, or a pandas DataFrame with the request's names.",
        parameter="xtype",
        choices=("ndarray", "DataFrame"),
    )
    predict_method: str = setting(
        "",
        "Method of the model to call. Default: `predict` for a MODEL, `transform` for the transformers.",
        parameter="predict_method",
    )
    service_type: str = setting(
        "MODEL",
        "The node's type in the graph: which of its paths /api/v1.0/predictions stands for.",
        env="SERVICE_TYPE",
        choices=("MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER"),
    )
    node: str = setting("", "The graph node's name, the key in meta.requestPath.", env="PREDICTIVE_UNIT_ID")
    image: str = setting(
        "", "The container's image, the value in meta.requestPath.", env="PREDICTIVE_UNIT_IMAGE"
    )
    host: str = setting("0.0.0.0", "Address to listen on.", env="SERVER_HOST")  # noqa: S104  a pod's own network
    http_port: int = setting(
        9000,
        "Port of the REST interface.",
        env=("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "PREDICTIVE_UNIT_SERVICE_PORT"),
        minimum=0,
    )
    max_body_bytes: int = setting(
        64 * 1024 * 1024,
        "Largest request body in bytes; a larger one is answered with 413.",
        env="SERVER_MAX_BODY_BYTES",
        minimum=1,
    )
    drain_seconds: int = setting(
        20,
        "How long requests under way may take to end after SIGTERM.",
        env="SERVER_DRAIN_SECONDS",
        minimum=0,
    )


@dataclass(frozen=True)
class EnvironmentSettings:
    """Settings of ``environment``. uv's own (UV_DEFAULT_INDEX, …) and pip's index settings count beside them."""

    strict_python: bool = setting(
        False,
        "Refuse to run the model on another Python minor version than the one that it asks for.",
        env="ENVIRONMENT_STRICT_PYTHON",
    )
    source_distributions: bool = setting(
        False,
        "Install packages without a wheel too, from source distributions, which run code of their own meanwhile.",
        env="ENVIRONMENT_SOURCE_DISTRIBUTIONS",
    )
