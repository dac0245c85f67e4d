"""The settings of S3 stores, normalised before obstore gets them.

It panics on an address without a scheme and on a line break in a key.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from server.errors import BadSetting
from server.settings import FetchSettings

if TYPE_CHECKING:
    from obstore.store import S3Config

AMAZON = "Amazon S3"

log = logging.getLogger(__name__)


def config(bucket: str, settings: FetchSettings) -> S3Config:
    """Return obstore's configuration for ``bucket``; what is not in it obstore takes from the environment.

    Raises:
        BadSetting: a setting is not of the form that a store takes.
    """
    result: S3Config = {"virtual_hosted_style_request": settings.virtual_hosted_style}
    address = endpoint(settings)
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


def endpoint(settings: FetchSettings) -> str | None:
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
