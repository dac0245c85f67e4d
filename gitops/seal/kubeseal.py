"""Sealing with the pinned kubeseal, and asking the controller. What is not sealed goes through pipes only, never to a disk."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitops.errors import BadCertificate, SealFailed
from gitops.tools import tool

# Sealing takes no time; fetching asks a cluster, which may not answer.
TIMEOUT_SECONDS = 60


def seal(secret: Mapping[str, Any], certificate: Path) -> dict[str, Any]:
    """Return the SealedSecret of the Secret ``secret``, for its name and namespace only, without a cluster.

    Raises:
        SealFailed: kubeseal refuses.
        ToolNotBuilt: kubeseal cannot be had.
    """
    sealed = _run(["--cert", certificate, "--scope", "strict", "--format", "json"], secret)
    entry: dict[str, Any] = _without_null(json.loads(sealed))
    return {key: entry[key] for key in ("apiVersion", "kind", "metadata", "spec")}


def fetch(origin: str) -> bytes:
    """Return the certificate at the file or URL ``origin``; without one, of the cluster that KUBECONFIG names.

    SEALED_SECRETS_CONTROLLER_NAMESPACE and …_NAME say where the controller is, if not in kube-system.

    Raises:
        BadCertificate: it cannot be fetched.
        ToolNotBuilt: kubeseal cannot be had.
    """
    try:
        return _run(["--fetch-cert", *(["--cert", origin] if origin else [])], None, dict(os.environ))
    except SealFailed as error:
        raise BadCertificate(f"the certificate of {origin or 'the cluster'}: {error}") from error


def opens(sealed: Mapping[str, Any]) -> bool:
    """Return whether the controller of the cluster that KUBECONFIG names can open the SealedSecret ``sealed``.

    Raises:
        SealFailed: the controller cannot be asked.
        ToolNotBuilt: kubeseal cannot be had.
    """
    try:
        _run(["--validate"], sealed, dict(os.environ))
    except SealFailed as error:
        if "unable to decrypt" in str(error):
            return False
        raise
    return True


def _run(
    arguments: list[str | Path], entry: Mapping[str, Any] | None, environ: dict[str, str] | None = None
) -> bytes:
    try:
        done = subprocess.run(
            [tool("kubeseal"), *arguments],
            input=json.dumps(entry).encode() if entry is not None else b"",
            # Offline: neither a cluster nor a setting of the user has a part in it.
            env=environ or {"PATH": os.environ.get("PATH", ""), "KUBECONFIG": os.devnull},
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SealFailed(f"kubeseal: no answer after {TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip().removeprefix("error: ")
        raise SealFailed(f"kubeseal: {message or f'exit status {done.returncode}'}")
    return done.stdout


def _without_null(value: Any) -> Any:
    """Return the object without what kubeseal writes for nothing, such as a creationTimestamp."""
    if isinstance(value, dict):
        return {key: _without_null(entry) for key, entry in value.items() if entry is not None}
    return value
