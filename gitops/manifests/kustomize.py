"""Rendering a kustomization with the pinned kustomize, and reading what it printed."""

from __future__ import annotations

import logging
import os
import subprocess
from pathlib import Path
from typing import Any

from gitops.errors import BuildFailed
from gitops.manifests import kustomization
from gitops.manifests.documents import parse_objects
from gitops.tools import tool

# A local build takes less than a second; what fetches from afar and hangs must end.
TIMEOUT_SECONDS = 120

# Its heap stays small and it ends at once: collecting garbage is half of what it does.
_GO = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}
# Builds by the fingerprint of their inputs: a comparison, or a copy with one change, repeats most of them.
_MOST = 256
_built: dict[str, str] = {}

_log = logging.getLogger(__name__)


def build(folder: Path) -> list[dict[str, Any]]:
    """Return the objects that ``kustomize build`` renders for ``folder``, in its order.

    What kustomize warns of is logged. It runs only on files of this tree (gitops.manifests.kustomization): it would fetch others.

    Raises:
        BuildFailed: a file cannot be read, or lies elsewhere; or kustomize refuses the folder or does not end, in its words.
        ToolNotBuilt: kustomize itself cannot be had.
    """
    return parse_objects(build_yaml(folder), origin=f"kustomize build {folder}")


def build_yaml(folder: Path) -> str:
    """Return what ``kustomize build`` prints for ``folder``, a stream of YAML.

    Raises:
        BuildFailed, ToolNotBuilt: as of ``build``.
    """
    origin = f"kustomize build {folder}"
    try:
        key = kustomization.fingerprint(folder, kustomization.local_roots(folder))
    except BuildFailed as error:
        raise BuildFailed(f"{origin}: {error}") from error
    text = _built.get(key) if key else None
    if text is None:
        text, message = _run(folder, origin)
        if key and not message:
            if len(_built) >= _MOST:
                _built.clear()
            _built[key] = text
    return text


def _run(folder: Path, origin: str) -> tuple[str, str]:
    """Return what kustomize renders, and what it warns of."""
    try:
        done = subprocess.run(
            [tool("kustomize"), "build", folder],
            capture_output=True,
            text=True,
            env={**os.environ, **_GO},
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildFailed(f"{origin}: no answer after {TIMEOUT_SECONDS} s") from error
    message = done.stderr.strip()
    if done.returncode != 0:
        raise BuildFailed(f"{origin}: {message or f'exit status {done.returncode}'}")
    if message:
        _log.warning("%s: %s", origin, message)
    return done.stdout, message
