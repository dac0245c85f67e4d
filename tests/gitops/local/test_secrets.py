from __future__ import annotations

from gitops.local import secrets
from gitops.local.store import Store


def test_the_secret_opens_the_store_as_the_clusters_would(store: Store) -> None:
    assert secrets.values(store) == {
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_ENDPOINT_URL": store.endpoint.removeprefix("http://"),
        "USE_SSL": "false",
    }
