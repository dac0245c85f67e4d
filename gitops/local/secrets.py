"""The values of the secrets that the manifests name; a local run makes them up."""

from __future__ import annotations

from urllib.parse import urlsplit

from gitops.local.store import Store


def values(store: Store) -> dict[str, str]:
    """Return the object store's secret, which stands in for any secret that a manifest names.

    It has the four keys of a secret made for Seldon's storage initializers: AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL (host and port) and USE_SSL (whether they speak https).
    """
    endpoint = urlsplit(store.endpoint)
    return {
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_ENDPOINT_URL": endpoint.netloc,
        "USE_SSL": str(endpoint.scheme == "https").lower(),
    }
