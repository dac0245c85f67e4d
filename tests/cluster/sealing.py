"""Secrets of a namespace, sealed to its cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitops.manifests.site import Site
from gitops.seal import kubeseal
from gitops.seal.command import values_of
from gitops.seal.secrets import secrets
from tests.cluster.kubectl import ClusterError
from tests.cluster.namespace import Namespace


def seal(site: Site, made: Namespace, values: Mapping[str, str], folder: Path) -> None:
    """Seal the secrets of ``site`` to the cluster's key for this namespace, and wait until the controller has opened them.

    Raises:
        BadCertificate, SealFailed, BadValue: the cluster's key cannot be had, or a value cannot be right.
        ClusterError: the controller does not open them.
    """
    certificate = folder / "certificate.pem"
    certificate.write_bytes(kubeseal.fetch(""))
    for secret in secrets(site):
        manifest = secret.manifest(values_of(secret, values))
        manifest["metadata"]["namespace"] = made.name
        made.apply([kubeseal.seal(manifest, certificate)])
        try:
            made.kubectl("wait", "--for=create", f"secret/{secret.name}", "--timeout=60s")
        except ClusterError as error:
            conditions = made.get("sealedsecret", secret.name).get("status", {}).get("conditions") or ()
            said = (
                "; ".join(entry.get("message", "") for entry in conditions) or "the controller says nothing"
            )
            raise ClusterError(f"the SealedSecret {secret.name} is not opened within 60 s: {said}") from error
