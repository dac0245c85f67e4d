from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gitops.errors import BadCertificate
from gitops.seal.certificate import check, read
from tests.gitops.seal.keys import KeyPair, certificate

AGAIN = "fetch the cluster's with `make seal-cert`"


def test_a_certificate_says_its_key_and_its_end(cluster: KeyPair) -> None:
    found = check(cluster.certificate, "x")
    assert found.pem == cluster.certificate
    assert len(found.key.removeprefix("sha256:")) == 64
    assert timedelta(days=29) < found.ends - datetime.now(UTC) < timedelta(days=30)


def test_a_key_keeps_its_digest_in_another_certificate() -> None:
    key = rsa.generate_private_key(65537, 2048)
    assert check(certificate(key), "x").key == check(certificate(key), "x").key


def test_an_expired_certificate_is_refused() -> None:
    content = certificate(rsa.generate_private_key(65537, 2048), days=-1)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with pytest.raises(BadCertificate) as caught:
        check(content, "x.pem")
    assert str(caught.value) == f"x.pem: has expired on {yesterday:%Y-%m-%d}; {AGAIN}"


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_is_refused(content: bytes) -> None:
    with pytest.raises(BadCertificate) as caught:
        check(content, "x.pem")
    assert str(caught.value) == f"x.pem: is no certificate in PEM; {AGAIN}"


def test_a_private_key_is_no_certificate(cluster: KeyPair) -> None:
    with pytest.raises(BadCertificate, match="is no certificate in PEM"):
        check(cluster.private_key.read_bytes(), "x.pem")


def test_a_key_that_nothing_can_be_sealed_to_is_refused() -> None:
    with pytest.raises(BadCertificate) as caught:
        check(certificate(ec.generate_private_key(ec.SECP256R1())), "x.pem")
    assert str(caught.value) == f"x.pem: has no RSA key, and secrets are sealed to one; {AGAIN}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCertificate) as caught:
        read(tmp_path / "absent.pem")
    assert str(caught.value) == f"{tmp_path}/absent.pem: cannot be read (No such file or directory); {AGAIN}"
