"""Policies about what a SealedSecret holds: nobody but the cluster can open it, so what can be told is told here.

A sealed value is base64 of two bytes that say the length of a session key, that key in RSA, and the value in AES-GCM.
Source: https://github.com/bitnami/sealed-secrets/blob/main/docs/developer/crypto.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from gitops.check.declared import SEALED
from gitops.check.policy import Breach, policy
from gitops.errors import BadCertificate
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree
from gitops.seal import certificate
from gitops.seal.secrets import NAMESPACE, SECRETS, Secret

_LENGTH = 2
# AES-GCM ends with a tag of 16 bytes, and a value has one byte at least.
_LEAST = 17


@policy
def sealed_value(tree: Tree) -> Iterator[Breach]:
    """A sealed value has the form of one: the controller refuses any other when it is applied."""
    size = _key_bytes(tree)
    for folder, entry in _sealed(tree):
        for key, value in _values(entry).items():
            said = _fault(value, size)
            if said:
                yield Breach(title(entry), f"spec.encryptedData.{key} {said}", _again(entry), folder)


@policy
def sealed_keys(tree: Tree) -> Iterator[Breach]:
    """A SealedSecret has the keys and the type that `make seal` makes of it: a pod finds no other."""
    known = {secret.name: secret for secret in SECRETS}
    for folder, entry in _sealed(tree):
        secret = known.get(entry["metadata"]["name"])
        if secret is None or entry["metadata"].get("namespace") != NAMESPACE:
            continue
        keys, given = set(secret.keys), set(_values(entry))
        for said, names in (("lacks", keys - given), ("has", given - keys - set(secret.optional_keys))):
            if names:
                what = f"{said} the {'key' if len(names) == 1 else 'keys'} {', '.join(sorted(names))}"
                yield Breach(title(entry), f"{what}: {_rule(secret)}", _again(entry), folder)
        type_ = ((entry.get("spec") or {}).get("template") or {}).get("type", "Opaque")
        if type_ != secret.type:
            said = f"spec.template.type is {type_!r}: must be {secret.type}"
            yield Breach(title(entry), said, _again(entry), folder)


def _rule(secret: Secret) -> str:
    others = f", and may be {', '.join(secret.optional_keys)} too" if secret.optional_keys else ""
    return f"must be {', '.join(secret.keys)}{others}"


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
