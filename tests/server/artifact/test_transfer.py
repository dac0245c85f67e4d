"""Many bytes over connections that break, in bounded memory."""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import obstore
import pytest

from server.artifact import progress, store
from server.artifact.digest import model_digest
from server.artifact.fetch import fetch
from server.errors import SourceNotFound, SourceUnreachable
from tests.project import ROOT
from tests.server.artifact.fetching import content, names


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
