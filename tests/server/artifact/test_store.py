"""What stores list: hostile keys, marks of folders, and the other stores' own words for it."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from server.artifact.fetch import fetch
from server.errors import AccessDenied, BadArtifact, SourceNotFound
from server.settings import FetchSettings
from tests.server.artifact.fetching import DIGEST, FILES, MODEL, answering, content, names

URI = "s3://bucket/m"


def listing(*keys, size=1):
    """Return a handler that answers every request with a listing of ``keys``, whatever is in a bucket."""
    entries = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00Z</LastModified>"
        f'<ETag>"0"</ETag><Size>{size}</Size></Contents>'
        for key in ("m/MLmodel", *keys)
    )
    body = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()
    return lambda handler: handler.send(body)


def refused(dest, answer, kind=BadArtifact, **settings):
    with answering(answer) as address, pytest.raises(kind) as caught:
        fetch(
            URI,
            dest,
            FetchSettings(
                endpoint_url=f"http://{address}", access_key_id="key", secret_access_key="secret", **settings
            ),
            digest=None,
        )
    assert names(dest) == []
    assert names(dest.parent) == ["models"]
    return str(caught.value).replace(address, "STORE")


HOSTILE = {
    "parent": ("m/../../../etc/cron.d/evil", 'Error parsing Path "m/../../../etc/cron.d/evil": '),
    "dot": ("m/./evil", 'Error parsing Path "m/./evil": '),
    "empty part": ("m//etc/passwd", 'Path "m//etc/passwd" contained empty path segment'),
    "line break": ("m/a\nb", 'Error parsing Path "m/a b": '),
}


@pytest.mark.parametrize(("key", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_keys_that_the_client_refuses(dest, key, reason):
    message = refused(dest, listing(key))
    assert message.startswith(
        f"{URI}: http://STORE lists a key that cannot be a file (Encountered object with"
    )
    assert reason in message
    assert message.endswith("; nothing is fetched: log the model again without it")


def test_a_backslash(dest):
    assert refused(dest, listing("m/..\\..\\evil")) == (
        f"{URI}: the file name '..\\\\..\\\\evil' holds a backslash or a control character; "
        "nothing is fetched: log the model again without it"
    )


def test_two_keys_that_differ_only_in_case(dest):
    assert refused(dest, listing("m/weights", "m/Weights")) == (
        f"{URI}: the file names 'weights' and 'Weights' cannot both be written everywhere: they are the same "
        "but for upper and lower case, or one is a folder; log the model again with other names"
    )


def test_more_than_the_limit(dest):
    assert refused(dest, listing("m/weights", size=600), max_bytes=1000) == (
        f"{URI}: has more than 1.0 kB; raise FETCH_MAX_BYTES (1000) if it should"
    )


def test_more_than_the_disk(dest):
    message = refused(dest, listing(size=10**15), Exception, max_bytes=10**16)
    assert message.startswith(f"{dest}: the model needs 1000.0 TB and ")


def test_a_store_that_is_none(dest):
    message = refused(dest, lambda handler: handler.send(b"hello"), Exception)
    assert message.startswith(
        f"{URI}: http://STORE does not answer as a store does (Generic S3 error: Got invalid list"
    )


def test_a_bucket_in_another_region(dest):
    message = refused(dest, lambda handler: handler.send(b"", 301), Exception)
    assert message == f"{URI}: http://STORE has this bucket in another region; set AWS_REGION to it"


def xml_api(files, *marks):
    """Return a handler that answers as S3 and Google's XML API do: list-type=2, and objects in ranges.

    ``marks`` are further keys, of empty objects.
    """

    def answer(handler):
        parts = urlsplit(handler.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if bucket != "models":
            handler.send(b"<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>", 404)
        elif key:
            send_range(handler, files[key.removeprefix("iris/")])
        else:
            prefix = parse_qs(parts.query)["prefix"][0]
            sizes = {name: len(body) for name, body in files.items()} | dict.fromkeys(marks, 0)
            listed = "".join(
                f"<Contents><Key>{prefix}{name}</Key><LastModified>2026-01-01T00:00:00Z</LastModified>"
                f'<ETag>"1"</ETag><Size>{size}</Size></Contents>'
                for name, size in sizes.items()
            )
            handler.send(
                f"<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>".encode()
            )

    return answer


def test_the_marks_of_folders_that_consoles_make(model, dest):
    (model / "code").mkdir()
    (model / "code" / "a.py").write_text("a")
    (model / "code" / "empty.py").write_text("")
    with answering(xml_api(content(model), "", "code/")) as address:
        settings = FetchSettings(
            endpoint_url=f"http://{address}", access_key_id="key", secret_access_key="secret"
        )
        fetch("s3://models/iris", dest, settings, digest=None)
    assert content(dest) == content(model)


def blob_api(handler):
    """Azure's Blob API, as far as its client asks: List Blobs, and Get Blob in ranges."""
    parts = urlsplit(handler.path)
    account, container, *path = unquote(parts.path).strip("/").split("/", 2)
    if not handler.headers["Authorization"].startswith(f"SharedKey {account}:"):
        handler.send(
            b"<Error><Code>AuthenticationFailed</Code><Message>no\nRequestId:1\nTime:2</Message></Error>", 403
        )
    elif container != "models":
        handler.send(b"<Error><Code>ContainerNotFound</Code><Message>none</Message></Error>", 404)
    elif not path:
        prefix = parse_qs(parts.query)["prefix"][0]
        listed = "".join(
            f"<Blob><Name>{prefix}{name}</Name><Properties><Last-Modified>Thu, 01 Jan 2026 00:00:00 GMT</Last-Modified>"
            f"<Content-Length>{(MODEL / name).stat().st_size}</Content-Length>"
            "<Content-Type>text/plain</Content-Type><Etag>0x1</Etag></Properties></Blob>"
            for name in (FILES if prefix == "iris/" else [])
        )
        body = f"<EnumerationResults><Blobs>{listed}</Blobs><NextMarker /></EnumerationResults>"
        handler.send(body.encode())
    else:
        send_range(handler, (MODEL / path[0].removeprefix("iris/")).read_bytes())


def send_range(handler, body):
    start, end = map(int, handler.headers["Range"].removeprefix("bytes=").split("-"))
    handler.send(
        body[start : end + 1],
        206,
        Content_Range=f"bytes {start}-{end}/{len(body)}",
        Last_Modified="Thu, 01 Jan 2026 00:00:00 GMT",
        ETag='"1"',
    )


@pytest.fixture
def google(monkeypatch):
    with answering(xml_api(content(MODEL))) as address:
        monkeypatch.setenv(
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            f'{{"gcs_base_url": "http://{address}", "disable_oauth": true, "client_email": "", '
            '"private_key": "", "private_key_id": ""}\n',
        )
        yield


@pytest.mark.usefixtures("google")
def test_google_cloud_storage(dest):
    fetch("gs://models/iris", dest, FetchSettings(), digest=DIGEST)
    assert content(dest) == content(MODEL)


@pytest.mark.usefixtures("google")
def test_no_such_bucket_at_google(dest):
    with pytest.raises(SourceNotFound) as caught:
        fetch("gs://none/iris", dest, FetchSettings(), digest=DIGEST)
    assert str(caught.value) == (
        "gs://none/iris: Google Cloud Storage answers NoSuchBucket (none); "
        "correct the bucket in the model's URI, or the store's address"
    )


@pytest.fixture
def azure(monkeypatch):
    with answering(blob_api) as address:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"key").decode() + "\n")
        monkeypatch.setenv("AZURE_ENDPOINT", f"http://{address}/account")
        yield


@pytest.mark.usefixtures("azure")
def test_azure(dest, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    fetch("az://models/iris", dest, FetchSettings(), digest=DIGEST)
    assert content(dest) == content(MODEL)


@pytest.mark.usefixtures("azure")
@pytest.mark.parametrize(
    "uri",
    ["abfss://models@account.dfs.core.windows.net/iris", "wasbs://models@account.blob.core.windows.net/iris"],
)
def test_azure_as_mlflow_writes_it(dest, uri):
    fetch(uri, dest, FetchSettings(), digest=DIGEST)
    assert content(dest) == content(MODEL)


@pytest.mark.usefixtures("azure")
def test_azure_refuses_another_account(dest):
    with pytest.raises(AccessDenied) as caught:
        fetch("abfss://models@other.dfs.core.windows.net/iris", dest, FetchSettings(), digest=DIGEST)
    assert str(caught.value) == (
        "abfss://models@other.dfs.core.windows.net/iris: Azure Blob Storage answers AuthenticationFailed (no); "
        "correct the account's key or token (AZURE_…)"
    )
