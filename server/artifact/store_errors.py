"""What a store's refusal means: its codes and obstore's errors as errors of this server, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError, InvalidPathError, PreconditionError

from server.errors import (
    AccessDenied,
    BadArtifact,
    BadSetting,
    ServerError,
    SourceNotFound,
    SourceUnreachable,
)

_FIX_SIGNATURE = "correct the secret of the store's key (AWS_SECRET_ACCESS_KEY)"
_FIX_KEY = "correct the store's key (AWS_ACCESS_KEY_ID)"
_FIX_SESSION = "renew the session token (AWS_SESSION_TOKEN)"
_ALLOWED = "allow these credentials to list and read the model's folder"
_BUCKET = "correct the bucket in the model's URI, or the store's address"
_PATH = "correct the path in the model's URI"

CODES: dict[str, tuple[type[ServerError], str]] = {
    "SignatureDoesNotMatch": (AccessDenied, _FIX_SIGNATURE),
    "InvalidAccessKeyId": (AccessDenied, _FIX_KEY),
    "XAdminUserNotFound": (AccessDenied, _FIX_KEY),  # versitygw's word for it
    "AccessDenied": (AccessDenied, _ALLOWED),
    "AllAccessDisabled": (AccessDenied, _ALLOWED),
    "ExpiredToken": (AccessDenied, _FIX_SESSION),
    "InvalidToken": (AccessDenied, _FIX_SESSION),
    "RequestTimeTooSkewed": (AccessDenied, "set the clock of this machine"),
    "AuthorizationHeaderMalformed": (AccessDenied, "set AWS_REGION to the bucket's region"),
    "PermanentRedirect": (BadSetting, "set AWS_REGION to the bucket's region"),
    "NoSuchBucket": (SourceNotFound, _BUCKET),
    "InvalidBucketName": (SourceNotFound, _BUCKET),
    "NoSuchKey": (SourceNotFound, _PATH),
    "AuthenticationFailed": (AccessDenied, "correct the account's key or token (AZURE_…)"),
    "AuthorizationFailure": (
        AccessDenied,
        "correct the account's key, or allow it to read the model's folder",
    ),
    "AuthorizationPermissionMismatch": (AccessDenied, _ALLOWED),
    "ContainerNotFound": (SourceNotFound, _BUCKET),
    "BlobNotFound": (SourceNotFound, _PATH),
}
STATUSES: dict[str, tuple[type[ServerError], str]] = {
    "401": (AccessDenied, "give the credentials that this address asks for"),
    "403": (AccessDenied, _ALLOWED),
    "404": (SourceNotFound, f"{_PATH}, or the store's address"),
    "410": (SourceNotFound, _PATH),
}
# What stands in the text of an error of the connection, what it means, and what to do about it.
CONNECTION = (
    ("failed to lookup address", "there is no host of this name", "correct the store's address"),
    ("ConnectionRefused", "the connection is refused", "correct the store's address, or start the store"),
    (
        "InvalidCertificate",
        "its certificate is not trusted",
        "set FETCH_CA_BUNDLE to its authority's PEM file",
    ),
    ("InvalidContentType", "it does not speak TLS", "write its address with http://, or set USE_SSL=false"),
    ("TimedOut", "no answer in time", "correct the store's address, or let this machine reach it"),
    ("ConnectionReset", "it closes the connection", "write its address with https:// if it speaks TLS"),
)
UNKNOWN = "correct the store's address, or try again when the store is well"
_KEYS = {
    "s3": "the store's key and secret (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)",
    "gs": "the key file of a service account (GOOGLE_SERVICE_ACCOUNT_KEY)",
}
_AZURE_KEYS = "the account's key (AZURE_STORAGE_ACCOUNT_KEY)"


@contextmanager
def configured(uri: str) -> Iterator[None]:
    """Turn what obstore raises in the block, while it makes a client for ``uri``, into a BadSetting."""
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        raise BadSetting(
            f"{uri}: the client of its store cannot be set up ({_short(_summary(error))}); correct the settings "
            "of the store in the environment"
        ) from error


@contextmanager
def reported(uri: str, endpoint: str) -> Iterator[None]:
    """Turn what obstore raises in the block, while it reads ``uri`` at ``endpoint``, into a ServerError."""
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        raise _translated(error, uri, endpoint) from error
    except BaseException as error:
        # A panic of the Rust code: no Exception, or none of a type that obstore names.
        if type(error).__name__ not in ("PanicException", "RustPanic"):
            raise
        raise BadSetting(
            f"{uri}: the client of {endpoint} cannot work with its settings; look for white space "
            "inside the values of the variables AWS_…, GOOGLE_… or AZURE_… that are set"
        ) from error


def _translated(error: Exception, uri: str, endpoint: str) -> ServerError:
    text = str(error)
    summary = _summary(error)
    if isinstance(error, InvalidPathError):
        return BadArtifact(
            f"{uri}: {endpoint} lists a key that cannot be a file ({_short(summary)}); "
            "nothing is fetched: log the model again without it"
        )
    if isinstance(error, PreconditionError):
        return SourceNotFound(
            f"{uri}: a file was overwritten while it was fetched; start again, and write models once only"
        )
    if "169.254.169.254" in summary or "metadata.google.internal" in summary:
        return AccessDenied(
            f"{uri}: there are no credentials for {endpoint}, and no identity of this machine gives any; "
            f"set {_KEYS.get(uri.partition(':')[0], _AZURE_KEYS)}, or give the pod an identity that may read the store"
        )
    if "POST REDACTED" in summary:
        # The exchange of a web identity for keys, whose address obstore does not show.
        return AccessDenied(
            f"{uri}: the role of this service account gives no keys for {endpoint} ({_reason(summary, text)}); "
            "correct the role and whom it trusts (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE), or AWS_ENDPOINT_URL_STS"
        )
    if "incorrectly configured region" in summary:
        return BadSetting(f"{uri}: {endpoint} has this bucket in another region; set AWS_REGION to it")
    if code := re.search(r"<Code>(\w+)</Code>", summary):
        kind, fix = CODES.get(code[1]) or _status(summary) or (SourceUnreachable, UNKNOWN)
        # Azure adds the request's id and time to the message.
        said = re.search(r"<Message>([^<]*?)(\s*RequestId:[^<]*)?</Message>", summary)
        return kind(f"{uri}: {endpoint} answers {code[1]} ({_short(said[1] if said else '')}); {fix}")
    if status := _status(summary):
        kind, fix = status
        return kind(f"{uri}: {endpoint} answers {_line(summary)}; {fix}")
    for sign, meaning, fix in CONNECTION:
        if sign in text:
            return SourceUnreachable(f"{uri}: {endpoint} cannot be reached: {meaning}; {fix}")
    return SourceUnreachable(
        f"{uri}: {endpoint} does not answer as a store does ({_short(summary)}); {UNKNOWN}"
    )


def _summary(error: Exception) -> str:
    """Return obstore's message without the debugging output after it."""
    return str(error).partition("\n\nDebug source:")[0]


def _reason(summary: str, text: str) -> str:
    code = re.search(r"<Code>(\w+)</Code>", summary)
    meaning = next((meaning for sign, meaning, _ in CONNECTION if sign in text), _short(summary))
    return code[1] if code else _line(summary) or meaning


def _status(text: str) -> tuple[type[ServerError], str] | None:
    return STATUSES.get(_line(text).partition(" ")[0])


def _line(text: str) -> str:
    """Return the HTTP status with its phrase, as in ``404 Not Found``, or an empty text."""
    found = re.search(r"status code: (\d{3}[ \w]*)", text)
    return found[1].strip() if found else ""


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 200 else words[:200] + "…"
