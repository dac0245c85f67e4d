"""What stores answer and connections fail with: the kind of error that it is, and what to do about it.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes.
"""

from __future__ import annotations

from server.errors import AccessDenied, BadSetting, ServerError, SourceNotFound

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
