"""The settings of the S3 store, as secrets really have them."""

from __future__ import annotations

import pytest

from server.artifact.store_client import s3_endpoint
from server.errors import BadSetting
from server.settings import FetchSettings
from server.settings_loader import load

ADDRESSES = {
    "tutorial": ("minio.minio:9000", "false", "http://minio.minio:9000"),
    "without a scheme": ("s3.example.com", None, "https://s3.example.com"),
    "ssl": ("s3.example.com", "1", "https://s3.example.com"),
    "scheme": ("http://10.0.0.1:9000/", "0", "http://10.0.0.1:9000"),
    "newlines of echo": ("127.0.0.1:9000\n", "False\n", "http://127.0.0.1:9000"),
    "IPv6": ("[::1]:9000", "no", "http://[::1]:9000"),
    "Amazon": ("", "true", None),
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
