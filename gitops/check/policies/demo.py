"""Policies about the demo key: everyone has it, so what is sealed to it is public."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.check.policies.secrets import SEALED
from gitops.check.policy import Breach, policy, warning
from gitops.check.tree import Tree
from gitops.errors import BadCertificate, SealFailed
from gitops.manifests import title
from gitops.seal import certificate
from gitops.seal.kubeseal import unseal


@warning
def demo_certificate(tree: Tree) -> Iterator[Breach]:
    """Secrets are sealed to the cluster's certificate: what is sealed to the demo's is no secret, and opens nowhere."""
    folder = certificate.FILE.rpartition("/")[0]
    if _uses_demo(tree):
        yield Breach(
            certificate.FILE,
            "is the certificate of the demo key, which everyone has",
            "before a deployment for real: `make seal-cert`, then `make seal` (docs/secrets.md)",
            folder,
        )


@policy
def demo_secret(tree: Tree) -> Iterator[Breach]:
    """No secret of a cluster opens with the demo key: everyone could read it, and the cluster could not."""
    key = tree.root / certificate.DEMO_KEY
    if not key.is_file() or _uses_demo(tree):
        return
    for folder, rendered in tree.rendered.items():
        for entry in rendered.objects:
            if entry.get("kind") == SEALED:
                try:
                    unseal(entry, key)
                except SealFailed:
                    # Another key's, as it should be.
                    continue
                yield Breach(
                    title(entry),
                    "is sealed to the demo key, which everyone has",
                    "seal it to the cluster's certificate: `make seal`, with values of the deployment's own",
                    folder,
                )


def _uses_demo(tree: Tree) -> bool:
    """Whether the certificate to seal to is the demo's; one that is none or expired is not this policy's affair."""
    try:
        demo = certificate.read(tree.root / certificate.DEMO)
        return certificate.read(tree.root / certificate.FILE).key == demo.key
    except BadCertificate:
        return False
