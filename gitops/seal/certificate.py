"""The certificate that secrets are sealed to: the public half of the key of the cluster's Sealed Secrets controller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gitops.errors import BadCertificate

# Relative to the repository: the certificate to seal to, and the demo's with the key that opens what is sealed to it.
FILE = "base/secrets/certificate.pem"
DEMO = "examples/demo-key/certificate.pem"
DEMO_KEY = "examples/demo-key/private-key.pem"
AGAIN = "fetch the cluster's with `make seal-cert`"


@dataclass(frozen=True)
class Certificate:
    """A sealing certificate: the bytes of its file, the digest and the length in bytes of its public key, and when it ends."""

    pem: bytes
    key: str
    key_bytes: int
    ends: datetime


def read(file: Path) -> Certificate:
    """Return the certificate in ``file``.

    Raises:
        BadCertificate: the file cannot be read, or the certificate has expired.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadCertificate(f"{file}: cannot be read ({error.strerror}); {AGAIN}") from error
    return check(content, str(file))


def check(content: bytes, origin: str, now: datetime | None = None) -> Certificate:
    """Return the certificate in ``content``, which came from ``origin``.

    Raises:
        BadCertificate: kubeseal cannot seal to it, or it has expired.
    """
    try:
        return parse(content, now)
    except ValueError as error:
        raise BadCertificate(f"{origin}: {error}; {AGAIN}") from error


def parse(content: bytes, now: datetime | None = None) -> Certificate:
    """Return the certificate in ``content``.

    Raises:
        ValueError: kubeseal cannot seal to it, or it has expired.
    """
    try:
        found = x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise ValueError("is no certificate in PEM") from error
    key = found.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("has no RSA key, and secrets are sealed to one")  # noqa: TRY004  the content is the value
    ends = found.not_valid_after_utc
    if ends < (now or datetime.now(UTC)):
        raise ValueError(f"has expired on {ends:%Y-%m-%d}")
    return Certificate(content, _digest(key), key.key_size // 8, ends)


def _digest(key: RSAPublicKey) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return f"sha256:{digest.finalize().hex()}"
