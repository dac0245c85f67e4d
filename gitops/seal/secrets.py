"""The Secrets that the deployments need: their keys, and the validation of their values."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gitops.errors import BadValue

NAMESPACE = "seldon"
ENDPOINT, USE_SSL = "AWS_ENDPOINT_URL", "USE_SSL"


@dataclass(frozen=True)
class Value:
    """A value to ask for: its name, in the environment too, and what it is.

    A ``hidden`` one is not echoed. An ``optional`` one is taken where it is given, and not asked for.
    """

    name: str
    meaning: str
    hidden: bool = False
    default: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Secret:
    """A Secret: its name and type, the values that it is made of, and ``data``, which makes its data of them.

    ``keys`` are those that the data always has.
    """

    name: str
    type: str
    values: tuple[Value, ...]
    keys: tuple[str, ...]
    data: Callable[[Mapping[str, str]], dict[str, str]]

    @property
    def optional_keys(self) -> tuple[str, ...]:
        """The keys that the data has where their values are given."""
        return tuple(value.name for value in self.values if value.optional)

    @property
    def file(self) -> str:
        """Where its SealedSecret lies, relative to the repository."""
        return f"base/secrets/sealedsecret-{self.name}.yaml"

    def manifest(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Return the Secret with ``values`` in it.

        Raises:
            BadValue: they cannot be right.
        """
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": self.type,
            "metadata": {"name": self.name, "namespace": NAMESPACE},
            "stringData": self.data(values),
        }


def store_data(values: Mapping[str, str]) -> dict[str, str]:
    """Return the data of the object store's secret: the values themselves, once address and USE_SSL agree.

    Raises:
        BadValue: they do not, or one of them is something else than its name says.
    """
    ssl = values[USE_SSL].lower()
    if ssl not in ("true", "false"):
        raise BadValue(f"{USE_SSL} is neither true nor false: say whether the object store speaks https")
    address = urlsplit(values[ENDPOINT] if "://" in values[ENDPOINT] else f"//{values[ENDPOINT]}")
    if not address.hostname or address.username or address.path.strip("/") or address.query:
        raise BadValue(
            f"{ENDPOINT} is no address such as https://s3.example.com or s3.example.com:9000: "
            "give scheme, host and port and nothing else"
        )
    if address.scheme not in ("", "http", "https"):
        raise BadValue(f"{ENDPOINT} begins with {address.scheme}://: an object store speaks http or https")
    if address.scheme and (address.scheme == "https") != (ssl == "true"):
        raise BadValue(
            f"{ENDPOINT} begins with {address.scheme}:// and {USE_SSL} is {ssl}: they must agree, "
            "since either is read where the other is not"
        )
    tracking = urlsplit(values.get("MLFLOW_TRACKING_URI", "https://example.com"))
    if tracking.scheme not in ("http", "https") or not tracking.hostname or tracking.username:
        raise BadValue(
            "MLFLOW_TRACKING_URI is no address such as https://mlflow.example.com: give scheme and host, and user and "
            "password by their own names"
        )
    return {**values, USE_SSL: ssl}


def registry_data(values: Mapping[str, str]) -> dict[str, str]:
    """Return the data of the pull secret: the configuration of a Docker client.

    Source: https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/
    """
    username, token = values["REGISTRY_USERNAME"], values["REGISTRY_TOKEN"]
    entry = {
        "username": username,
        "password": token,
        "auth": base64.b64encode(f"{username}:{token}".encode()).decode(),
    }
    return {".dockerconfigjson": json.dumps({"auths": {values["REGISTRY_SERVER"]: entry}})}


PULL = Secret(
    "mrx-ghcr",
    "kubernetes.io/dockerconfigjson",
    (
        Value("REGISTRY_SERVER", "image registry", default="ghcr.io"),
        Value("REGISTRY_USERNAME", "user of the image registry"),
        Value("REGISTRY_TOKEN", "token that may read packages", hidden=True),
    ),
    (".dockerconfigjson",),
    registry_data,
)
STORE = Secret(
    "seldon-init-container-secret",
    "Opaque",
    (
        Value("AWS_ACCESS_KEY_ID", "key of the object store", hidden=True),
        Value("AWS_SECRET_ACCESS_KEY", "secret of that key", hidden=True),
        Value(ENDPOINT, "address of the object store, as in https://s3.example.com"),
        Value(USE_SSL, "whether it speaks https, true or false"),
        Value("AWS_REGION", "region of the object store", optional=True),
        # For models whose files the tracking server hands out.
        Value("MLFLOW_TRACKING_URI", "address of MLflow's tracking server", optional=True),
        Value("MLFLOW_TRACKING_USERNAME", "user of the tracking server", optional=True),
        Value("MLFLOW_TRACKING_PASSWORD", "password of that user", hidden=True, optional=True),
        Value("MLFLOW_TRACKING_TOKEN", "token of the tracking server", hidden=True, optional=True),
    ),
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", ENDPOINT, USE_SSL),
    store_data,
)
SECRETS = (PULL, STORE)
