"""The Secrets that the deployments need: their keys, and the validation of their values."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gitops.errors import BadValue
from gitops.manifests.site import Site
from gitops.seal.stores import (
    ACCESS_KEY,
    ACCOUNT_NAME,
    ENDPOINT,
    KEY_FILE,
    S3,
    TRACKING_URI,
    USE_SSL,
    Store,
    Value,
    values_for,
)

# https://learn.microsoft.com/en-us/azure/storage/common/storage-account-overview#storage-account-name
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")


@dataclass(frozen=True)
class Secret:
    """A Secret: what it is for, its name, namespace and type, the values that it is made of, and ``data``, which makes its data of them.

    ``keys`` are those that the data always has.
    """

    use: str
    name: str
    namespace: str
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
        return f"base/secrets/sealedsecret-{self.use}.yaml"

    def manifest(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Return the Secret with ``values`` in it.

        Raises:
            BadValue: they cannot be right.
        """
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": self.type,
            "metadata": {"name": self.name, "namespace": self.namespace},
            "stringData": self.data(values),
        }


def store_data(values: Mapping[str, str]) -> dict[str, str]:
    """Return the data of the object store's secret: the values themselves, once each is what its name says.

    Raises:
        BadValue: one is not, or the address of S3 and USE_SSL do not agree.
    """
    result = dict(values)
    if USE_SSL in values:
        result[USE_SSL] = values[USE_SSL].lower()
        if result[USE_SSL] not in ("true", "false"):
            raise BadValue(f"{USE_SSL} is neither true nor false: say whether the object store speaks https")
    if ENDPOINT in values:
        _check_endpoint(values[ENDPOINT], result.get(USE_SSL))
    if KEY_FILE in values:
        _check_service_account(values[KEY_FILE])
    if ACCOUNT_NAME in values and not _ACCOUNT.fullmatch(values[ACCOUNT_NAME]):
        raise BadValue(f"{ACCOUNT_NAME} is no name of a storage account: give 3 to 24 of a–z and 0–9")
    if ACCESS_KEY in values:
        try:
            base64.b64decode(values[ACCESS_KEY], validate=True)
        except binascii.Error as error:
            raise BadValue(f"{ACCESS_KEY} is no base64: give one of the account's two access keys") from error
    tracking = urlsplit(values.get(TRACKING_URI, "https://example.com"))
    if tracking.scheme not in ("http", "https") or not tracking.hostname or tracking.username:
        raise BadValue(
            f"{TRACKING_URI} is no address such as https://mlflow.example.com: give scheme and host, and user and "
            "password by their own names"
        )
    return result


def _check_endpoint(endpoint: str, ssl: str | None) -> None:
    address = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    if not address.hostname or address.username or address.path.strip("/") or address.query:
        raise BadValue(
            f"{ENDPOINT} is no address such as https://s3.example.com or s3.example.com:9000: "
            "give scheme, host and port and nothing else"
        )
    if address.scheme not in ("", "http", "https"):
        raise BadValue(f"{ENDPOINT} begins with {address.scheme}://: an object store speaks http or https")
    if address.scheme and ssl and (address.scheme == "https") != (ssl == "true"):
        raise BadValue(
            f"{ENDPOINT} begins with {address.scheme}:// and {USE_SSL} is {ssl}: they must agree, "
            "since either is read where the other is not"
        )


def _check_service_account(document: str) -> None:
    try:
        found = json.loads(document)
    except ValueError:
        # Not even where it breaks is shown: the text is the key.
        found = None
    if not isinstance(found, dict) or not {"client_email", "private_key"} <= found.keys():
        raise BadValue(
            f"{KEY_FILE} is no key file of a service account: give the JSON with client_email and private_key "
            "that Google Cloud made, not its path"
        )


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


def image_pull(site: Site) -> Secret:
    """Return the Secret that the kubelet pulls the image with."""
    return Secret(
        "image-pull",
        site.image_pull_secret,
        site.namespace,
        "kubernetes.io/dockerconfigjson",
        (
            Value("REGISTRY_SERVER", "image registry", default=site.image.partition("/")[0]),
            Value("REGISTRY_USERNAME", "user of the image registry"),
            Value("REGISTRY_TOKEN", "token that may read packages", hidden=True),
        ),
        (".dockerconfigjson",),
        registry_data,
    )


def object_store(site: Site, stores: Iterable[Store] = (S3,)) -> Secret:
    """Return the Secret with which `fetch` reads ``stores``."""
    values = values_for(stores)
    required = tuple(value.name for value in values if not value.optional)
    return Secret(
        "object-store", site.object_store_secret, site.namespace, "Opaque", values, required, store_data
    )


def secrets(site: Site) -> tuple[Secret, ...]:
    """Return the Secrets of the site, that of the stores as it is for models in S3."""
    return image_pull(site), object_store(site)
