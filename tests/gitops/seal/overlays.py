"""Overlays as far as their secrets go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gitops.manifests.site import read_site
from gitops.seal.secrets import secrets
from tests.project import MANIFESTS

SITE = read_site(MANIFESTS)
PULL, STORE = secrets(SITE)

KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
IMAGE = f"ghcr.io/owner/seldon-mlflow-server@sha256:{'0' * 64}"


def overlay(
    root: Path,
    name: str,
    uri: str,
    *,
    pull: bool = True,
    store: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
) -> None:
    """Write the overlay ``name``, whose pod pulls with the secret and fetches ``uri`` with what ``store`` says of it."""
    fetch: dict[str, Any] = {
        "name": f"{name}-initializer",
        "image": IMAGE,
        "args": ["fetch", uri, "/mnt/models"],
    }
    fetch["envFrom"] = [{"secretRef": {"name": STORE.name, **(store or {})}}]
    pod: dict[str, Any] = {"initContainers": [fetch], "containers": [{"name": name, "image": IMAGE}]}
    if pull:
        pod["imagePullSecrets"] = [{"name": PULL.name}]
    folder(
        root,
        f"overlays/{name}",
        {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "metadata": {"name": name, "namespace": "seldon", "annotations": annotations or {}},
            "spec": {
                "predictors": [
                    {
                        "name": name,
                        "graph": {"name": name, "type": "MODEL"},
                        "componentSpecs": [{"spec": pod}],
                    }
                ]
            },
        },
    )


def folder(root: Path, path: str, *objects: dict[str, Any]) -> None:
    """Write the kustomization ``path`` with ``objects``."""
    (root / path).mkdir(parents=True, exist_ok=True)
    (root / path / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    (root / path / "kustomization.yaml").write_text(
        yaml.safe_dump({**KUSTOMIZATION, "resources": ["objects.yaml"]})
    )
