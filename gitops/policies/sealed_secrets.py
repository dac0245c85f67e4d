"""Policies about SealedSecrets and the certificate that they are sealed to. Only the cluster can open one.

A sealed value is base64 of two bytes with the length of a session key, that key in RSA, and the value in AES-GCM.
Source: https://github.com/bitnami/sealed-secrets/blob/main/docs/developer/crypto.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from gitops.errors import BadCertificate, SealFailed
from gitops.manifests import site
from gitops.manifests.secrets import SEALED
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy, warning
from gitops.policies.references import sealed_elsewhere
from gitops.seal import certificate
from gitops.seal.unseal import unseal

_FOLDER = certificate.FILE.rpartition("/")[0]
_LENGTH = 2
# AES-GCM ends with a tag of 16 bytes, and a value has one byte at least.
_LEAST = 17


@policy
def sealed_value(tree: Tree) -> Iterator[Violation]:
    """A sealed value has the form of one: the controller refuses any other when it is applied."""
    size = _key_bytes(tree)
    for folder, entry in _sealed(tree):
        for key, value in _values(entry).items():
            message = _fault(value, size)
            if message:
                yield Violation(title(entry), f"spec.encryptedData.{key} {message}", _again(entry), folder)


@policy
def sealed_namespace(tree: Tree) -> Iterator[Violation]:
    """The secrets of the deployments are sealed for their namespace: in another one nobody can open them."""
    for entry in sealed_elsewhere(tree):
        yield Violation(
            title(entry),
            f"is sealed for the namespace {entry['metadata'].get('namespace')}, and {site.FILE} says "
            f"{tree.site.namespace if tree.site else ''}",
            f"seal all again for it: `make seal` (docs/secrets.md), or correct spec.namespace in {site.FILE}",
            _FOLDER,
        )


def _sealed(tree: Tree) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for folder, rendered in tree.rendered.items():
        for entry in rendered.objects:
            if entry.get("kind") == SEALED:
                yield folder, entry


def _values(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return (entry.get("spec") or {}).get("encryptedData") or {}


def _fault(value: object, size: int | None) -> str:
    """Return what keeps a value from being opened with a key of ``size`` bytes, None where that is not known."""
    try:
        content = base64.b64decode(str(value), validate=True)
    except binascii.Error:
        return "is no base64"
    length = int.from_bytes(content[:_LENGTH], "big")
    if len(content) < _LENGTH or (size is not None and length != size):
        wanted = f"{size} bytes, as that of {certificate.FILE} is" if size else "a length"
        return f"begins with a session key of {length} bytes: must be {wanted}"
    if len(content) < _LENGTH + length + _LEAST:
        return f"has {len(content)} bytes, too few for a session key of {length} and a value"
    return ""


def _key_bytes(tree: Tree) -> int | None:
    try:
        return certificate.read(tree.root / certificate.FILE).key_bytes
    except BadCertificate:
        return None  # certificate_valid says so.


def _again(entry: Mapping[str, Any]) -> str:
    return f"seal it again: `make seal SECRET={entry['metadata']['name']}` (docs/secrets.md)"


@policy
def certificate_valid(tree: Tree) -> Iterator[Violation]:
    """The certificate that secrets are sealed to is one, and has not expired: nothing could be sealed any more."""
    file = tree.root / certificate.FILE
    if file.is_file():
        try:
            certificate.parse(file.read_bytes())
        except ValueError as error:
            yield Violation(certificate.FILE, str(error), certificate.AGAIN, _FOLDER)


@warning
def demo_certificate(tree: Tree) -> Iterator[Violation]:
    """Secrets are sealed to the cluster's certificate: what is sealed to the demo's is no secret, and opens nowhere."""
    if _seals_to_demo(tree):
        yield Violation(
            certificate.FILE,
            "is the certificate of the demo key, which everyone has",
            "before a deployment for real: `make seal-cert`, then `make seal` (docs/secrets.md)",
            _FOLDER,
        )


@policy
def demo_secret(tree: Tree) -> Iterator[Violation]:
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
                yield Violation(
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
