"""Rendering a kustomization with the pinned kustomize."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, cast

from gitops.errors import BuildFailed
from gitops.manifests import builds, kustomization
from gitops.tools import tool

# A local build takes less than a second; what fetches from afar and hangs must end.
TIMEOUT_SECONDS = 120

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
    return cast(list[dict[str, Any]], json.loads(build_json(folder)))


def build_json(folder: Path) -> str:
    """Return the objects that ``kustomize build`` renders for ``folder``, a list in JSON.

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
        done = builds.build(tool("kustomize"), folder, TIMEOUT_SECONDS)
    except TimeoutError as error:
        raise BuildFailed(f"{origin}: no answer after {TIMEOUT_SECONDS} s") from error
    except builds.Ended as error:
        said = f": {error}" if str(error) else ""
        raise BuildFailed(f"{origin}: kustomize ended without an answer{said}") from error
    message = done.messages.strip()
    if done.failed:
        raise BuildFailed(f"{origin}: {message}")
    if message:
        _log.warning("%s: %s", origin, message)
    return done.objects, message
