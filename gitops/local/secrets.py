"""The values of the secrets that the manifests name: those that are committed, where the demo key opens them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from gitops.errors import SealFailed
from gitops.local.store import Store
from gitops.manifests.documents import parse_objects
from gitops.seal.certificate import DEMO_KEY
from gitops.seal.kubeseal import unseal
from gitops.seal.secrets import ENDPOINT, STORE, USE_SSL


def committed(root: Path) -> dict[str, str]:
    """Return the object store's secret of the repository ``root``, empty where the demo key does not open it.

    Raises:
        BuildFailed: its file is no YAML.
        ToolNotBuilt: kubeseal cannot be had.
    """
    file, key = root / STORE.file, root / DEMO_KEY
    if not file.is_file() or not key.is_file():
        return {}
    (sealed,) = parse_objects(file.read_text(), origin=str(file))
    try:
        return unseal(sealed, key)
    except SealFailed:
        # Sealed to a cluster's key: a deployment's secrets are no business of this machine.
        return {}


def values(store: Store, secret: Mapping[str, str]) -> dict[str, str]:
    """Return the content of any secret that a manifest names: ``secret``, with the store's own address in it.

    Where ``secret`` is empty, the store's account is in it too. It has the four keys of a secret made for
    Seldon's storage initializers: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL (host and port) and
    USE_SSL (whether they speak https).
    """
    endpoint = urlsplit(store.endpoint)
    made_up = {
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        USE_SSL: str(endpoint.scheme == "https").lower(),
    }
    return {**made_up, **secret, ENDPOINT: endpoint.netloc}
