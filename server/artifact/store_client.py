"""The client of an object store, obstore's, for a URI: S3's settings, credentials, timeouts, retries."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.store import AzureStore, GCSStore, S3Store

from server.artifact.store_errors import configured
from server.errors import BadSetting
from server.settings import FetchSettings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config

log = logging.getLogger(__name__)

AMAZON = "Amazon S3"
# obstore retries with jitter, and resumes at the byte where a connection was lost.
RETRIES: RetryConfig = {
    "max_retries": 4,
    "retry_timeout": timedelta(minutes=5),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=3), "base": 2},
}

# With the account's host after it, as MLflow writes it for Azure.
_BUCKET = re.compile(r"[$A-Za-z0-9][A-Za-z0-9._-]*(@[A-Za-z0-9.-]+)?")


def s3_config(bucket: str, settings: FetchSettings) -> S3Config:
    """Return obstore's configuration for ``bucket``; what is not in it obstore takes from the environment.

    Raises:
        BadSetting: a setting is not of the form that a store takes.
    """
    result: S3Config = {"virtual_hosted_style_request": settings.virtual_hosted_style}
    address = s3_endpoint(settings)
    if address is not None:
        scheme, _, host = address.partition("://")
        # obstore wants the bucket in the address then.
        used = f"{scheme}://{bucket}.{host}" if settings.virtual_hosted_style else address
        # Both names of it: the environment's AWS_ENDPOINT_URL_S3 would count before the other.
        result |= {"endpoint": used, "aws_endpoint_url_s3": used}
    for name, variable, value in (
        ("region", "AWS_REGION", settings.region),
        ("access_key_id", "AWS_ACCESS_KEY_ID", settings.access_key_id),
        ("secret_access_key", "AWS_SECRET_ACCESS_KEY", settings.secret_access_key),
        ("session_token", "AWS_SESSION_TOKEN", settings.session_token),
    ):
        if not all(" " < sign < "\x7f" for sign in value):
            shown = repr(value) if name == "region" else "(hidden)"
            raise BadSetting(
                f"{variable}={shown}: must not hold white space or signs beyond ASCII; correct it"
            )
        if value:
            result[name] = value  # type: ignore[literal-required]
    if bool(settings.access_key_id) != bool(settings.secret_access_key):
        raise BadSetting(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: one is set without the other; set both"
        )
    return result


def s3_endpoint(settings: FetchSettings) -> str | None:
    """Return the S3 store's address with its scheme, or None for Amazon's.

    Raises:
        BadSetting: it is not an address.
    """
    url = settings.endpoint_url.rstrip("/")
    if not url:
        return None
    if "://" not in url:
        url = f"{'http' if settings.use_ssl is False else 'https'}://{url}"
    elif settings.use_ssl is not None and settings.use_ssl != url.startswith("https://"):
        log.warning(
            "USE_SSL=%s contradicts AWS_ENDPOINT_URL=%s: its scheme counts; make them agree",
            str(settings.use_ssl).lower(),
            _without_password(url),
        )
    try:
        parts = urlsplit(url)
        regular = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        regular = False
    if not regular or parts.username is not None or parts.query or any(sign.isspace() for sign in url):
        raise BadSetting(
            f"AWS_ENDPOINT_URL={_without_password(url)!r}: must be host, host:port or a URL with http:// or https://"
        )
    return url


def _without_password(url: str) -> str:
    scheme, separator, rest = url.rpartition("://")
    return scheme + separator + rest.rpartition("@")[2]


@dataclass(frozen=True)
class Place:
    """A folder in a store: its ``prefix`` below the bucket of ``client``; ``endpoint`` is for messages."""

    uri: str
    client: ObjectStore
    prefix: str
    endpoint: str


def connect(uri: str, settings: FetchSettings) -> Place:
    """Return the place that ``uri`` names: s3://bucket/prefix, gs://bucket/prefix or az://container/prefix.

    abfs:// and wasbs://, as MLflow writes them, are az:// with the account in the host.

    Raises:
        BadSetting: the URI or a setting is not of the form that the store takes.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise BadSetting(
            f"{uri}: must name a bucket (letters, digits, '-', '_', '.'), as in "
            f"{uri.partition(':')[0]}://bucket/folder; "
            "correct the model's URI"
        )
    if prefix and any(part in ("", ".", "..") for part in prefix.split("/")):
        raise BadSetting(f"{uri}: must not have an empty part, . or .. in its path; correct the model's URI")
    options = client_options(settings)
    if scheme == "s3":
        config = s3_config(bucket, settings)
        with configured(uri):
            client: ObjectStore = S3Store(bucket, config=config, client_options=options, retry_config=RETRIES)
        return Place(uri, client, prefix, s3_endpoint(settings) or AMAZON)
    if scheme == "gs":
        with configured(uri):
            client = GCSStore(bucket, client_options=options, retry_config=RETRIES)
        return Place(uri, client, prefix, "Google Cloud Storage")
    with configured(uri):
        container, _, host = bucket.partition("@")
        if host:
            client = AzureStore(
                container, account_name=host.partition(".")[0], client_options=options, retry_config=RETRIES
            )
        else:
            client = AzureStore(container, client_options=options, retry_config=RETRIES)
    return Place(uri, client, prefix, "Azure Blob Storage")


def authorities(settings: FetchSettings) -> bytes | None:
    """Return the certificate authorities of FETCH_CA_BUNDLE as PEM, or None where it is not set.

    Raises:
        BadSetting: the file cannot be read.
    """
    if not settings.ca_bundle:
        return None
    try:
        return Path(settings.ca_bundle).read_bytes()
    except OSError as error:
        raise BadSetting(
            f"FETCH_CA_BUNDLE={settings.ca_bundle!r}: cannot be read ({error.strerror}); "
            "give the path of a PEM file"
        ) from error


def client_options(settings: FetchSettings) -> ClientConfig:
    """Return the options of every HTTP client: how long it waits, and whom it trusts.

    Raises:
        BadSetting: the file of certificate authorities cannot be read.
    """
    options: ClientConfig = {
        "connect_timeout": timedelta(seconds=5),
        "read_timeout": timedelta(seconds=20),
        # Of a whole request: a big file takes its time, and read_timeout sees a stalled one.
        "timeout": timedelta(hours=24),
        "allow_http": True,
    }
    if (trusted := authorities(settings)) is not None:
        options["root_certificate"] = trusted
    return options


def strip_environment() -> None:
    """Leave out the white space around what obstore and MLflow's client read from the environment themselves."""
    said = {name for field in fields(FetchSettings) for name in field.metadata["env"]}
    for name, value in os.environ.items():
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "MLFLOW_")) and value != value.strip():
            os.environ[name] = value.strip()
            if name not in said:
                log.warning("%s: white space around the value is left out; make the value without it", name)
