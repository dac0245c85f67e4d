"""The settings of the S3 store, as secrets really have them."""

from __future__ import annotations

import os

import pytest

from server.artifact.fetch import fetch
from server.artifact.store_client import connect, s3_endpoint, strip_environment
from server.errors import AccessDenied, BadSetting, SourceNotFound
from server.settings import FetchSettings
from server.settings_loader import load
from tests.server.artifact.fetching import AUTHORITY, DIGEST, answering, names

ADDRESSES = {
    "tutorial": ("minio.minio:9000", "false", "http://minio.minio:9000"),
    "without a scheme": ("s3.example.com", None, "https://s3.example.com"),
    "ssl": ("s3.example.com", "1", "https://s3.example.com"),
    "scheme": ("http://10.0.0.1:9000/", "0", "http://10.0.0.1:9000"),
    "newlines of echo": ("127.0.0.1:9000\n", "False\n", "http://127.0.0.1:9000"),
    "IPv6": ("[::1]:9000", "no", "http://[::1]:9000"),
    "Amazon": ("", "true", None),
}
BAD = {
    "no bucket": (
        "s3:///models",
        FetchSettings(),
        "s3:///models: must name a bucket (letters, digits, '-', '_', '.'), as in s3://bucket/folder; correct the model's URI",
    ),
    "no name of a bucket": (
        "s3://my bucket/models",
        FetchSettings(),
        "s3://my bucket/models: must name a bucket (letters, digits, '-', '_', '.'), as in s3://bucket/folder; "
        "correct the model's URI",
    ),
    "region of two lines": (
        "s3://bucket/a",
        FetchSettings(region="eu\nwest"),
        "AWS_REGION='eu\\nwest': must not hold white space or signs beyond ASCII; correct it",
    ),
    "path": (
        "s3://bucket/a/../b",
        FetchSettings(),
        "s3://bucket/a/../b: must not have an empty part, . or .. in its path; correct the model's URI",
    ),
    "half a key": (
        "s3://bucket/a",
        FetchSettings(access_key_id="key"),
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: one is set without the other; set both",
    ),
    "secret of two lines": (
        "s3://bucket/a",
        FetchSettings(access_key_id="key", secret_access_key="one\ntwo"),
        "AWS_SECRET_ACCESS_KEY=(hidden): must not hold white space or signs beyond ASCII; correct it",
    ),
    "no such CA file": (
        "s3://bucket/a",
        FetchSettings(ca_bundle="/nowhere/ca.pem"),
        "FETCH_CA_BUNDLE='/nowhere/ca.pem': cannot be read (No such file or directory); "
        "give the path of a PEM file",
    ),
    "CA file without a certificate": (
        "s3://bucket/a",
        FetchSettings(ca_bundle=__file__),
        "s3://bucket/a: the client of its store cannot be set up (No certificates found in `root_certificate` "
        "input; expected one or more PEM-encoded certificates.); correct the settings of the store in the environment",
    ),
}


@pytest.mark.parametrize(("url", "use_ssl", "expected"), ADDRESSES.values(), ids=ADDRESSES)
def test_endpoint(url, use_ssl, expected):
    environ = {"AWS_ENDPOINT_URL": url} | ({"USE_SSL": use_ssl} if use_ssl is not None else {})
    assert s3_endpoint(load(FetchSettings, environ)) == expected


def test_white_space_is_left_out_with_a_warning_that_shows_no_value(caplog):
    settings = load(FetchSettings, {"AWS_ACCESS_KEY_ID": "key\n", "AWS_SECRET_ACCESS_KEY": " hush \n"})
    assert (settings.access_key_id, settings.secret_access_key) == ("key", "hush")
    assert caplog.messages == [
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: white space around the value is left out; "
        "make the value without it (printf, not echo)"
    ]
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(("url", "use_ssl"), [("http://store:9000", True), ("https://store:9000", False)])
def test_the_scheme_counts_before_use_ssl(caplog, url, use_ssl):
    assert s3_endpoint(FetchSettings(endpoint_url=url, use_ssl=use_ssl)) == url
    assert caplog.messages == [
        f"USE_SSL={str(use_ssl).lower()} contradicts AWS_ENDPOINT_URL={url}: its scheme counts; make them agree"
    ]


@pytest.mark.parametrize(
    "url", ["http://:9000", "ftp://store", "http://sto re", "http://store:port", "http://store/?a=b"]
)
def test_not_an_address(url):
    with pytest.raises(BadSetting) as caught:
        s3_endpoint(FetchSettings(endpoint_url=url))
    assert str(caught.value) == (
        f"AWS_ENDPOINT_URL={url.rstrip('/')!r}: must be host, host:port or a URL with http:// or https://"
    )


def test_an_address_with_a_password_is_refused_without_showing_it():
    with pytest.raises(BadSetting) as caught:
        s3_endpoint(FetchSettings(endpoint_url="http://user:hush@store"))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(("uri", "settings", "message"), BAD.values(), ids=BAD)
def test_bad_settings(uri, settings, message):
    with pytest.raises(BadSetting) as caught:
        connect(uri, settings)
    assert str(caught.value) == message


def test_what_obstore_reads_itself_is_stripped_too(monkeypatch, caplog):
    monkeypatch.setenv("GOOGLE_SKIP_SIGNATURE", "true\n")
    strip_environment()
    assert os.environ["GOOGLE_SKIP_SIGNATURE"] == "true"
    assert caplog.messages == [
        "GOOGLE_SKIP_SIGNATURE: white space around the value is left out; make the value without it"
    ]


def test_the_bucket_stands_before_the_host_if_asked(monkeypatch, dest):
    asked = []

    def proxy(handler):
        asked.append(handler.path)
        handler.send(b"<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>", 404)

    with answering(proxy) as address:
        monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
        settings = FetchSettings(
            endpoint_url="http://store.test:9000",
            virtual_hosted_style=True,
            access_key_id="key",
            secret_access_key="secret",
        )
        with pytest.raises(SourceNotFound) as caught:
            fetch("s3://bucket/models/iris", dest, settings, digest=None)
    assert asked == ["http://bucket.store.test:9000/?list-type=2&prefix=models%2Firis%2F"]
    assert str(caught.value) == (
        "s3://bucket/models/iris: http://store.test:9000 answers NoSuchBucket (none); "
        "correct the bucket in the model's URI, or the store's address"
    )


def test_the_settings_count_before_the_environment(monkeypatch, uri, settings, dest):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    fetch(uri, dest, settings, digest=DIGEST)


def sts(answer):
    """Return how the service that exchanges web identities for keys answers: with ``answer``, an XML text."""
    return lambda handler: handler.send(answer.encode(), 400)


@pytest.fixture
def identity(monkeypatch, tmp_path):
    """What EKS puts into a pod whose service account has a role."""
    (tmp_path / "token").write_text("token-of-the-service-account")
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.cert_pem.bytes())
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", f"{tmp_path / 'token'}\n")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/models")
    return str(tmp_path / "ca.pem")


def test_a_web_identity_that_is_not_trusted(monkeypatch, identity, store, uri, dest):
    answer = (
        "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>no</Message></Error></ErrorResponse>"
    )
    with answering(sts(answer), tls=True) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"https://{address}")
        with pytest.raises(AccessDenied) as caught:
            fetch(uri, dest, FetchSettings(endpoint_url=store.endpoint, ca_bundle=identity), digest=DIGEST)
    assert str(caught.value) == (
        f"{uri}: the role of this service account gives no keys for {store.endpoint} (InvalidIdentityToken); "
        "correct the role and whom it trusts (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE), or AWS_ENDPOINT_URL_STS"
    )


def test_what_makes_the_client_panic_is_an_error_of_ours(monkeypatch, store, dest):
    """obstore's Rust code panics on a line break inside a token that it reads from the environment itself."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "one\ntwo")
    settings = FetchSettings(endpoint_url=store.endpoint, access_key_id="key", secret_access_key="secret")
    with pytest.raises(BadSetting) as caught:
        fetch("s3://bucket/m", dest, settings, digest=None)
    assert str(caught.value) == (
        f"s3://bucket/m: the client of {store.endpoint} cannot work with its settings; look for white space inside "
        "the values of the variables AWS_…, GOOGLE_… or AZURE_… that are set"
    )
    assert names(dest) == []
