"""Policies about the certificate that secrets are sealed to, and the demo key: everyone has that one."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.check.declared import SEALED
from gitops.check.policy import Breach, policy, warning
from gitops.errors import BadCertificate, SealFailed
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree
from gitops.seal import certificate
from gitops.seal.kubeseal import unseal

_FOLDER = certificate.FILE.rpartition("/")[0]


@policy
def certificate_valid(tree: Tree) -> Iterator[Breach]:
    """The certificate that secrets are sealed to is one, and has not expired: nothing could be sealed any more."""
    file = tree.root / certificate.FILE
    if file.is_file():
        try:
            certificate.parse(file.read_bytes())
        except ValueError as error:
            yield Breach(certificate.FILE, str(error), certificate.AGAIN, _FOLDER)


@warning
def demo_certificate(tree: Tree) -> Iterator[Breach]:
    """Secrets are sealed to the cluster's certificate: what is sealed to the demo's is no secret, and opens nowhere."""
    if _seals_to_demo(tree):
        yield Breach(
            certificate.FILE,
            "is the certificate of the demo key, which everyone has",
            "before a deployment for real: `make seal-cert`, then `make seal` (docs/secrets.md)",
            _FOLDER,
        )


@policy
def demo_secret(tree: Tree) -> Iterator[Breach]:
    """No secret of a cluster opens with the demo key: everyone could read it, and the cluster could not."""
    key = tree.root / certificate.DEMO_KEY
    if not key.is_file() or _seals_to_demo(tree) is not False:
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


def _seals_to_demo(tree: Tree) -> bool | None:
    """Whether the certificate to seal to is the demo's; None where one of the two is none (certificate_valid)."""
    try:
        demo = certificate.read(tree.root / certificate.DEMO)
        return certificate.read(tree.root / certificate.FILE).key == demo.key
    except BadCertificate:
        return None
