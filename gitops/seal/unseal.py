"""Opening a SealedSecret by a private key at hand, as the controller does by its own; nothing is asked for.

Source: https://github.com/bitnami-labs/sealed-secrets/blob/main/docs/developer/crypto.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gitops.errors import SealFailed

# A session key is used once, so no nonce is needed.
_NONCE = bytes(12)
_LENGTH = 2
_WIDE = "sealedsecrets.bitnami.com/{}-wide"


def unseal(sealed: Mapping[str, Any], key: Path) -> dict[str, str]:
    """Return the values of a SealedSecret by the private key in the file ``key``.

    Raises:
        SealFailed: it is sealed to another key, for another name or namespace, or no key is in the file.
    """
    metadata, values = sealed["metadata"], (sealed.get("spec") or {}).get("encryptedData") or {}
    name = f"SealedSecret {metadata['name']}"
    try:
        private = load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise SealFailed(f"{key}: is no private key in PEM ({error})") from error
    if not isinstance(private, RSAPrivateKey):
        raise SealFailed(f"{key}: is no key of RSA, and secrets are sealed to one")
    try:
        return {entry: _open(str(value), private, _label(metadata)) for entry, value in values.items()}
    except (ValueError, InvalidTag, binascii.Error) as error:
        raise SealFailed(
            f"{name}: is not sealed to the key in {key} for this name and namespace, or is no sealed value"
        ) from error


def _label(metadata: Mapping[str, Any]) -> bytes:
    """Return what a value is bound to: name and namespace, unless its scope is wider."""
    annotations, namespace = metadata.get("annotations") or {}, metadata.get("namespace", "")
    if annotations.get(_WIDE.format("cluster")) == "true":
        return b""
    wide = annotations.get(_WIDE.format("namespace")) == "true"
    return (namespace if wide else f"{namespace}/{metadata['name']}").encode()


def _open(value: str, key: RSAPrivateKey, label: bytes) -> str:
    """Open a value: two bytes with the length of a session key, that key in RSA, and the text in AES-GCM."""
    content = base64.b64decode(value, validate=True)
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "big")
    scheme = padding.OAEP(padding.MGF1(SHA256()), SHA256(), label)
    session = key.decrypt(content[_LENGTH:end], scheme)
    return AESGCM(session).decrypt(_NONCE, content[end:], None).decode()
