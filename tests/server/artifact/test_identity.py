"""Reading stores without keys: by an identity of the pod that its cloud knows, or as everyone may.

The variables are those that components/ set.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from obstore.exceptions import GenericError

from server.artifact.fetch import fetch
from server.artifact.store_errors import reported
from server.errors import AccessDenied, SourceNotFound
from server.settings import FetchSettings
from tests.project import MANIFESTS
from tests.server.artifact.fetching import AUTHORITY, answering

EMPTY = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
NO_BLOBS = b"<EnumerationResults><Blobs></Blobs><NextMarker /></EnumerationResults>"


def variables(component: str, file: str, token: Path | None = None) -> dict[str, str]:
    """Return the variables that a component adds to fetch; its token's path is ``token``."""
    operations = yaml.safe_load((MANIFESTS / "components" / component / file).read_text())
    added = [entry["value"] for entry in operations if entry["path"].endswith("initContainers/0/env/-")]
    assert added
    return {
        entry["name"]: str(token) if entry["value"] == "/mnt/identity/token" else entry["value"]
        for entry in added
    }


@pytest.fixture
def token(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("token-of-the-service-account")
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.cert_pem.bytes())
    return tmp_path / "token"


@pytest.fixture
def seen():
    return []


def keeping(seen, body):
    """Return a handler that keeps the headers of each request in ``seen``, and answers ``body``."""

    def answer(handler):
        seen.append(handler.headers)
        handler.send(body)

    return answer


def found_nothing(dest, uri, **settings):
    """Fetch from a store that lets this client in, and has nothing there."""
    with pytest.raises(SourceNotFound, match="has nothing there"):
        fetch(uri, dest, FetchSettings(**settings), digest=None)


def set_all(monkeypatch, values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_a_role_of_aws_is_assumed_by_the_token(monkeypatch, token, dest, seen):
    exchanged = []

    def sts(handler):
        exchanged.append(parse_qs(urlsplit(handler.path).query) | parse_qs(handler.body.decode()))
        handler.send(
            b"<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
            b"<AccessKeyId>temporary</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
            b"<SessionToken>session</SessionToken><Expiration>2126-01-01T00:00:00Z</Expiration>"
            b"</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        )

    set_all(monkeypatch, variables("workload-identity-aws", "aws.yaml", token))
    with answering(sts, tls=True) as exchange, answering(keeping(seen, EMPTY)) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"https://{exchange}")
        found_nothing(
            dest, "s3://bucket/m", endpoint_url=f"http://{address}", ca_bundle=str(token.with_name("ca.pem"))
        )
    assert exchanged[0]["Action"] == ["AssumeRoleWithWebIdentity"]
    assert exchanged[0]["RoleArn"] == ["arn:aws:iam::111122223333:role/models"]
    assert exchanged[0]["WebIdentityToken"] == ["token-of-the-service-account"]
    assert seen[0]["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=temporary/")


def test_the_pod_identity_of_eks(monkeypatch, token, dest, seen):
    """EKS sets both variables in a pod whose service account has an association."""
    requests = []

    def agent(handler):
        requests.append(handler.headers["Authorization"])
        handler.send(
            json.dumps(
                {
                    "AccessKeyId": "temporary",
                    "SecretAccessKey": "secret",
                    "Token": "session",
                    "Expiration": "2126-01-01T00:00:00Z",
                }
            ).encode()
        )

    with answering(agent) as credentials, answering(keeping(seen, EMPTY)) as address:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://{credentials}/v1/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token))
        found_nothing(dest, "s3://bucket/m", endpoint_url=f"http://{address}")
    assert requests == ["token-of-the-service-account"]
    assert seen[0]["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=temporary/")


def test_a_managed_identity_of_azure(monkeypatch, token, dest, seen):
    exchanged = []

    def login(handler):
        exchanged.append((handler.path, parse_qs(handler.body.decode())))
        handler.send(
            json.dumps({"access_token": "temporary", "expires_in": 3600, "token_type": "Bearer"}).encode(),
            Content_Type="application/json",
        )

    values = variables("workload-identity-azure", "azure.yaml", token)
    set_all(monkeypatch, values)
    with answering(login) as authority, answering(keeping(seen, NO_BLOBS)) as address:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"http://{authority}")
        monkeypatch.setenv("AZURE_ENDPOINT", f"http://{address}/models")
        found_nothing(dest, "az://container/m")
    [(path, form)] = exchanged
    assert path == f"/{values['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    assert form["client_id"] == [values["AZURE_CLIENT_ID"]]
    assert form["client_assertion"] == ["token-of-the-service-account"]
    assert seen[0]["Authorization"] == "Bearer temporary"


def test_the_service_account_of_google_cloud(monkeypatch, dest, seen):
    requests = []

    def metadata(handler):
        requests.append((urlsplit(handler.path).path, handler.headers["Metadata-Flavor"]))
        handler.send(
            json.dumps({"access_token": "temporary", "expires_in": 3600, "token_type": "Bearer"}).encode(),
            Content_Type="application/json",
        )

    with answering(metadata) as server, answering(keeping(seen, EMPTY)) as address:
        monkeypatch.setenv("GCE_METADATA_HOST", server)
        monkeypatch.setenv("GOOGLE_BASE_URL", f"http://{address}")
        found_nothing(dest, "gs://bucket/m")
    assert requests == [("/computeMetadata/v1/instance/service-accounts/default/token", "Google")]
    assert seen[0]["Authorization"] == "Bearer temporary"


@pytest.mark.parametrize(
    ("uri", "keys"),
    [
        ("s3://bucket/m", "the store's key and secret (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"),
        ("gs://bucket/m", "the key file of a service account (GOOGLE_SERVICE_ACCOUNT_KEY)"),
        ("abfss://container@account/m", "the account's key (AZURE_STORAGE_ACCOUNT_KEY)"),
    ],
)
def test_neither_keys_nor_an_identity(uri, keys):
    with pytest.raises(AccessDenied) as caught, reported(uri, "The store"):
        raise GenericError("Generic error: Error performing PUT http://169.254.169.254/latest/api/token")
    assert str(caught.value) == (
        f"{uri}: there are no credentials for The store, and no identity of this machine gives any; set {keys}, or give "
        "the pod an identity that may read the store"
    )


@pytest.mark.parametrize("uri", ["s3://bucket/m", "az://container/m"])
def test_a_public_store_gets_no_signature(monkeypatch, dest, seen, uri):
    set_all(monkeypatch, variables("public-store", "public-store.yaml"))
    body = EMPTY if uri.startswith("s3") else NO_BLOBS
    with answering(keeping(seen, body)) as address:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
        monkeypatch.setenv("AZURE_ENDPOINT", f"http://{address}/account")
        found_nothing(dest, uri, endpoint_url=f"http://{address}")
    assert [headers["Authorization"] for headers in seen] == [None]


def test_a_public_bucket_of_google_asks_for_no_token(monkeypatch, dest, seen):
    set_all(monkeypatch, variables("public-store", "public-store.yaml"))
    with answering(keeping(seen, EMPTY)) as address:
        monkeypatch.setenv("GOOGLE_BASE_URL", f"http://{address}")
        monkeypatch.setenv("GCE_METADATA_HOST", address)
        found_nothing(dest, "gs://bucket/m")
    assert [headers["Authorization"] for headers in seen] == [None]
