"""What stores list, and many bytes over connections that break, in bounded memory."""

from __future__ import annotations

import base64
import dataclasses
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import obstore
import pytest

from server.artifact import progress, store
from server.artifact.digest import model_digest
from server.artifact.fetch import fetch
from server.errors import AccessDenied, BadArtifact, SourceNotFound, SourceUnreachable
from server.settings import FetchSettings
from tests.project import ROOT
from tests.server.artifact.fetching import DIGEST, FILES, MODEL, answering, content, names

URI = "s3://bucket/m"


@contextmanager
def breaking(port, after):
    """Run a proxy to ``port`` that closes each connection after ``after(number)`` bytes of answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    accepted, threads = [], []

    def forward(client, limit):
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            threading.Thread(target=pump, args=(client, server), daemon=True).start()
            with suppress(OSError):
                while limit > 0 and (data := server.recv(min(65536, limit))):
                    client.sendall(data)
                    limit -= len(data)
            for side in (client, server):
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def pump(client, server):
        with suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def accept():
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threads.append(threading.Thread(target=forward, args=(client, after(len(accepted)))))
                accepted.append(client)
                threads[-1].start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listening.getsockname()[1], accepted
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for client in accepted:
            # One that is kept alive waits for its next request.
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for one in threads:
            one.join()


@pytest.fixture
def large(model):
    """The iris model with a file of several parts, the last one shorter."""
    (model / "weights").write_bytes(os.urandom(1_000_003) * 7)
    return model


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(store, "PART_BYTES", 2_000_000)
    monkeypatch.setattr(store, "CHUNK_BYTES", 100_000)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("connections", [1, 8])
def test_parts_are_put_together(store, bucket, settings, large, dest, connections):
    store.upload(large, bucket, "m")
    fetch(f"s3://{bucket}/m", dest, dataclasses.replace(settings, connections=connections), digest=None)
    assert content(dest) == content(large)


@pytest.mark.usefixtures("small_parts")
def test_lost_connections_are_taken_up_again(store, bucket, settings, large, dest):
    """Every connection breaks after 1.2 MB, in the middle of a part."""
    store.upload(large, bucket, "m")
    with breaking(store.port, lambda number: 1_200_000) as (port, accepted):
        broken = dataclasses.replace(settings, endpoint_url=f"http://127.0.0.1:{port}")
        fetch(f"s3://{bucket}/m", dest, broken, digest=model_digest(large))
    assert content(dest) == content(large)
    assert len(accepted) >= 6


def test_a_store_that_always_breaks_off_is_given_up(store, bucket, settings, large, dest):
    """The listing and the small files come; of the large one each connection gives almost nothing."""
    store.upload(large, bucket, "m")
    with breaking(store.port, lambda number: 100_000 if number < 10 else 500) as (port, accepted):
        broken = dataclasses.replace(settings, endpoint_url=f"http://127.0.0.1:{port}", connections=1)
        with pytest.raises(SourceUnreachable, match=rf"s3://{bucket}/m: http://127.0.0.1:{port} "):
            fetch(f"s3://{bucket}/m", dest, broken, digest=None)
    assert names(dest) == []
    assert len(accepted) < 40


@pytest.mark.usefixtures("small_parts")
def test_a_file_that_is_overwritten_meanwhile(store, bucket, settings, large, dest, monkeypatch):
    store.upload(large, bucket, "m")
    opened = obstore.get_async
    done = []

    async def get(client, path, **options):
        """Someone else puts another file of the same size there after the first part."""
        answer = await opened(client, path, **options)
        if path.endswith("weights") and not done:
            done.append(obstore.put(store.client(bucket), path, b"\0" * 7_000_021))
        return answer

    monkeypatch.setattr(obstore, "get_async", get)
    with pytest.raises(SourceNotFound) as caught:
        fetch(f"s3://{bucket}/m", dest, dataclasses.replace(settings, connections=1), digest=None)
    assert str(caught.value) == (
        f"s3://{bucket}/m: a file was overwritten while it was fetched; start again, and write models once only"
    )
    assert names(dest) == []


@pytest.mark.usefixtures("small_parts")
def test_progress_is_in_the_log(store, bucket, settings, large, dest, monkeypatch, caplog):
    store.upload(large, bucket, "m")
    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0.001)
    with caplog.at_level(logging.INFO):
        fetch(f"s3://{bucket}/m", dest, settings, digest=None)
    lines = [line for line in caplog.messages if " of 7.0 MB (" in line]
    assert lines
    assert lines[-1].startswith(f"s3://{bucket}/m: ")
    assert not lines[-1].startswith(f"s3://{bucket}/m: 0 B")
    assert lines[-1].endswith("B/s")


PEAK = """
import re, sys
from pathlib import Path
from server.__main__ import main

status = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(status)
"""


@pytest.fixture
def huge(model, store, bucket, dest):
    """2 GB in one file, and 2,000 small ones, put where the store has them; nothing of it stays on the disk."""
    block = os.urandom(1 << 20)
    with (model / "weights").open("wb") as file:
        for _ in range(2000):
            file.write(block)
    (model / "parts").mkdir()
    for number in range(2000):
        (model / "parts" / str(number)).write_bytes(block[:1000])
    (store.folder / "data" / bucket).mkdir()
    shutil.move(model, store.folder / "data" / bucket / "m")
    yield f"s3://{bucket}/m"
    shutil.rmtree(dest)
    shutil.rmtree(store.folder / "data" / bucket)


@pytest.mark.long
def test_memory_is_bounded(huge, settings, dest):
    """Under 150 MB, with Python and all that it has loaded."""
    environ = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_ACCESS_KEY_ID": settings.access_key_id,
        "AWS_SECRET_ACCESS_KEY": settings.secret_access_key,
    }
    command = [sys.executable, "-c", PEAK, "fetch", huge, str(dest)]
    done = subprocess.run(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert (dest / "weights").stat().st_size == 2000 << 20
    assert len(names(dest / "parts")) == 2000
    assert int(done.stdout) < 150_000


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
