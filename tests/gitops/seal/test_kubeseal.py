"""Sealing and opening with the real kubeseal."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitops.errors import BadCertificate, SealFailed
from gitops.seal.kubeseal import fetch, seal
from gitops.seal.unseal import unseal
from tests.gitops.seal.keys import KeyPair

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "hub", "namespace": "seldon"},
    "type": "Opaque",
    "stringData": {"token": "hunter2", "user": "mé"},
}


@pytest.fixture
def certificate(tmp_path: Path, cluster: KeyPair) -> Path:
    file = tmp_path / "certificate.pem"
    file.write_bytes(cluster.certificate)
    return file


@pytest.fixture
def sealed(certificate: Path) -> dict[str, Any]:
    return seal(SECRET, certificate)


@pytest.fixture
def address(cluster: KeyPair) -> Iterator[str]:
    """The address of a server that answers as the controller does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v1/cert.pem" else 404)
            self.end_headers()
            self.wfile.write(cluster.certificate)

        def log_message(self, *arguments: object) -> None:
            """Say nothing: what a test prints is its failure."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_what_is_sealed_opens_with_the_private_key(sealed: dict[str, Any], cluster: KeyPair) -> None:
    assert unseal(sealed, cluster.private_key) == {"token": "hunter2", "user": "mé"}


def test_what_is_sealed_says_name_type_and_keys_and_no_value(sealed: dict[str, Any]) -> None:
    assert list(sealed) == ["apiVersion", "kind", "metadata", "spec"]
    assert sealed["metadata"] == {"name": "hub", "namespace": "seldon"}
    assert sealed["spec"]["template"] == {
        "metadata": {"name": "hub", "namespace": "seldon"},
        "type": "Opaque",
    }
    assert set(sealed["spec"]["encryptedData"]) == {"token", "user"}
    assert "hunter2" not in str(sealed)


@pytest.mark.parametrize(("field", "value"), [("name", "hub-next"), ("namespace", "staging")])
def test_it_does_not_open_under_another_name_or_in_another_namespace(
    sealed: dict[str, Any], cluster: KeyPair, field: str, value: str
) -> None:
    sealed["metadata"][field] = value
    with pytest.raises(SealFailed, match=r": is not sealed to the key in .* for this name and namespace"):
        unseal(sealed, cluster.private_key)


def test_it_does_not_open_with_another_key(sealed: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(SealFailed, match=r": is not sealed to the key in .* for this name and namespace"):
        unseal(sealed, KeyPair(tmp_path / "other").private_key)


def test_a_certificate_is_fetched_from_an_address(address: str, cluster: KeyPair) -> None:
    assert fetch(f"{address}/v1/cert.pem") == cluster.certificate


def test_a_certificate_is_fetched_from_a_file(certificate: Path, cluster: KeyPair) -> None:
    assert fetch(str(certificate)) == cluster.certificate


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("{address}/absent", 'cannot fetch "{address}/absent": 404 Not Found'),
        ("http://127.0.0.1:9/v1/cert.pem", "connect: connection refused"),
        ("/absent/certificate.pem", "no such file or directory"),
    ],
    ids=["not there", "nobody answers", "no file"],
)
def test_a_certificate_that_cannot_be_fetched(address: str, origin: str, said: str) -> None:
    origin, said = origin.replace("{address}", address), said.replace("{address}", address)
    with pytest.raises(BadCertificate) as caught:
        fetch(origin)
    assert str(caught.value).startswith(f"the certificate of {origin}: kubeseal: ")
    assert said in str(caught.value)


def test_a_cluster_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kubeconfig").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "users: [{name: u, user: {}}]\n"
    )
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    with pytest.raises(BadCertificate) as caught:
        fetch("")
    assert str(caught.value).startswith(
        "the certificate of the cluster: kubeseal: cannot get sealed secret service: "
    )
    assert "connection refused" in str(caught.value)
