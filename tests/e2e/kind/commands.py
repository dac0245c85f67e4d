"""What makes a kind cluster with all that `make e2e` asks for.

kind itself is built by the Go of this environment, at its pinned version; docker, helm and kubectl are the machine's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gitops.tools import CACHE
from tests.e2e import versions

NAME = "e2e"
FOLDER = CACHE.parent / "kind" / versions.KIND
KIND = str(FOLDER / "kind")


def commands(images: Sequence[str]) -> list[versions.Command]:
    """Return what makes the cluster and loads ``images``, in order."""
    go = str(Path(sys.executable).with_name("go"))
    return [
        (go, "install", f"sigs.k8s.io/kind@v{versions.KIND}"),
        (KIND, "create", "cluster", "--name", NAME, "--wait", "5m"),
        *((KIND, "load", "docker-image", image, "--name", NAME) for image in images),
        *versions.SELDON_CORE_COMMANDS,
        *versions.SEALED_SECRETS_COMMANDS,
        *versions.ARGO_CD_COMMANDS,
    ]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` with what a build by the Go of this environment needs, into a folder of this repository."""
    return {**environ, "GOBIN": str(FOLDER), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": ""}
