"""The verb fetch, as a pod sees it: what is in the destination, what is in the log, which error ends it."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import subprocess
import sys

import pytest

from server.artifact.fetch import fetch
from server.errors import (
    AccessDenied,
    BadDestination,
    BadSetting,
    DigestMismatch,
    NotAModel,
    SourceNotFound,
    SourceUnreachable,
)
from server.settings import FetchSettings
from tests.server.artifact.fetching import DIGEST, FILES, MODEL, content, names

OTHER = "sha256:" + "0" * 64


def test_a_model_from_s3(uri, settings, dest, caplog):
    with caplog.at_level(logging.INFO):
        fetch(uri, dest, settings, digest=DIGEST)
    assert content(dest) == content(MODEL)
    assert names(dest) == FILES
    assert caplog.messages[0] == f"fetching {uri} into {dest}"
    assert re.fullmatch(
        rf"fetched {uri}: 7 files, 24\.9 kB in \d+\.\d s, digest {DIGEST}, as pinned", caplog.messages[-1]
    )
    assert settings.secret_access_key not in caplog.text


def test_a_model_from_a_folder(model, dest, caplog):
    with caplog.at_level(logging.INFO):
        fetch(model.as_uri(), dest, FetchSettings(), digest=None)
    assert content(dest) == content(MODEL)
    assert caplog.messages[-1].endswith(f"digest {DIGEST}, not pinned: --digest refuses any other")


def test_folders_and_odd_names(store, bucket, settings, model, dest):
    (model / "code" / "sub").mkdir(parents=True)
    (model / "code" / "sub" / "a b%20+ü#?.py").write_text("odd")
    (model / "empty").write_text("")
    (model / ".hidden").write_text("hidden")
    store.upload(model, bucket, "a b/ü")
    fetch(f"s3://{bucket}/a b/ü/", dest, settings, digest=None)
    assert content(dest) == content(model)


def test_the_whole_bucket(store, bucket, settings, model, dest):
    store.upload(model, bucket, "")
    fetch(f"s3://{bucket}", dest, settings, digest=DIGEST)
    assert content(dest) == content(MODEL)


def test_the_folder_is_made(uri, settings, tmp_path):
    fetch(uri, tmp_path / "a" / "b", settings, digest=DIGEST)
    assert content(tmp_path / "a" / "b") == content(MODEL)


def state(folder):
    """Return what writing would change; reading may change the time of the last access."""
    found = {path: path.stat() for path in folder.rglob("*")}
    return {path: (each.st_ino, each.st_mode, each.st_size, each.st_mtime_ns) for path, each in found.items()}


def test_what_is_there_already_is_left_alone_and_the_source_not_asked(uri, settings, dest, caplog):
    fetch(uri, dest, settings, digest=DIGEST)
    before = state(dest)
    unreachable = dataclasses.replace(settings, endpoint_url="http://127.0.0.1:1")
    with caplog.at_level(logging.INFO):
        fetch(uri, dest, unreachable, digest=DIGEST)
    assert state(dest) == before
    assert caplog.messages == [f"{uri} is already in {dest}: digest {DIGEST}, as pinned"]


def test_what_is_there_already_is_compared_with_the_source_where_nothing_is_pinned(
    uri, settings, dest, caplog
):
    fetch(uri, dest, settings, digest=None)
    with caplog.at_level(logging.INFO):
        fetch(uri, dest, settings, digest=None)
    assert caplog.messages[-1] == f"{uri} is already in {dest}: digest {DIGEST}"
    assert names(dest) == FILES


def test_another_model_is_there(uri, settings, dest):
    fetch(uri, dest, settings, digest=DIGEST)
    with pytest.raises(BadDestination) as caught:
        fetch(uri, dest, settings, digest=OTHER)
    assert str(caught.value) == (
        f"{dest}: holds something else already (its digest is {DIGEST}, the model's is {OTHER}); give an empty folder"
    )
    assert names(dest) == FILES


@pytest.mark.parametrize("digest", [None, DIGEST])
def test_something_else_is_there(uri, settings, dest, digest):
    (dest / "notes.txt").write_text("mine")
    with pytest.raises(BadDestination) as caught:
        fetch(uri, dest, settings, digest=digest)
    assert str(caught.value) == (
        f"{dest}: holds something else already ({dest}: no MLmodel file among its 1 files; give the folder that "
        "MLflow logged, not its parent or a file in it); give an empty folder"
    )
    assert content(dest) == {"notes.txt": b"mine"}


def test_a_link_beside_the_model_is_something_else(uri, settings, dest):
    fetch(uri, dest, settings, digest=DIGEST)
    (dest / "evil.py").symlink_to("/etc/passwd")
    with pytest.raises(BadDestination, match="a symbolic link or a special file"):
        fetch(uri, dest, settings, digest=DIGEST)


def test_another_digest(uri, settings, dest):
    with pytest.raises(DigestMismatch) as caught:
        fetch(uri, dest, settings, digest=OTHER)
    assert str(caught.value) == (
        f"{uri}: its digest is {DIGEST}, the pinned one is {OTHER}; nothing of it is kept. Either the model "
        "was changed, or another one is pinned: compare them, and put the right model there or correct the pin"
    )
    assert names(dest) == []


REFUSED = {
    "wrong secret": (
        {"secret_access_key": "wrong"},
        "",
        AccessDenied,
        "{uri}: {endpoint} answers SignatureDoesNotMatch (The request signature we calculated does not match the "
        "signature you provided. Check your key and signing method.); correct the secret of the store's key "
        "(AWS_SECRET_ACCESS_KEY)",
    ),
    "unknown key": (
        {"access_key_id": "nobody"},
        "",
        AccessDenied,
        "{uri}: {endpoint} answers XAdminUserNotFound (No user exists with the provided access key ID.); "
        "correct the store's key (AWS_ACCESS_KEY_ID)",
    ),
    "no such folder": (
        {},
        "/none",
        SourceNotFound,
        "{uri}: {endpoint} has nothing there; correct the path in the model's URI, or put the model there",
    ),
    "a file instead of a folder": (
        {},
        "/MLmodel",
        SourceNotFound,
        "{uri}: {endpoint} has nothing there; correct the path in the model's URI, or put the model there",
    ),
    "nobody listens": (
        {"endpoint_url": "127.0.0.1:1", "use_ssl": False},
        "",
        SourceUnreachable,
        "{uri}: http://127.0.0.1:1 cannot be reached: the connection is refused; "
        "correct the store's address, or start the store",
    ),
    "no such host": (
        {"endpoint_url": "https://no-such-host.invalid"},
        "",
        SourceUnreachable,
        "{uri}: https://no-such-host.invalid cannot be reached: there is no host of this name; "
        "correct the store's address",
    ),
}


@pytest.mark.parametrize(("change", "path", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_what_the_store_refuses(uri, settings, dest, change, path, kind, message):
    with pytest.raises(kind) as caught:
        fetch(uri + path, dest, dataclasses.replace(settings, **change), digest=DIGEST)
    assert str(caught.value) == message.format(uri=uri + path, endpoint=settings.endpoint_url)
    assert names(dest) == []


def test_no_such_bucket(settings, dest):
    with pytest.raises(SourceNotFound) as caught:
        fetch("s3://no-such-bucket/m", dest, settings, digest=DIGEST)
    assert str(caught.value) == (
        f"s3://no-such-bucket/m: {settings.endpoint_url} answers NoSuchBucket (The specified bucket does not exist.); "
        "correct the bucket in the model's URI, or the store's address"
    )


def test_tls_where_there_is_none(uri, settings, dest):
    address = settings.endpoint_url.removeprefix("http://")
    with pytest.raises(SourceUnreachable) as caught:
        fetch(uri, dest, dataclasses.replace(settings, endpoint_url=address, use_ssl=None), digest=DIGEST)
    assert str(caught.value) == (
        f"{uri}: https://{address} cannot be reached: it does not speak TLS; "
        "write its address with http://, or set USE_SSL=false"
    )


def test_the_parent_of_a_model(uri, settings, dest):
    parent = uri.rpartition("/")[0]
    with pytest.raises(NotAModel) as caught:
        fetch(parent, dest, settings, digest=None)
    assert str(caught.value) == (
        f"{parent}: no MLmodel file among its 7 files; "
        "give the folder that MLflow logged, not its parent or a file in it"
    )


def test_an_mlmodel_file_that_is_none(model, dest):
    (model / "MLmodel").write_text("flavors: [")
    with pytest.raises(NotAModel, match="is not YAML"):
        fetch(model.as_uri(), dest, FetchSettings(), digest=None)
    assert names(dest) == []


LOCAL = {
    "missing": ("file:///no/such/folder", SourceNotFound, "there is no such folder; correct the model's URI"),
    "another host": (
        "file://host/models",
        BadSetting,
        "must be file:// and an absolute path, as in file:///models/iris; correct it",
    ),
    "scheme": (
        "ftp://host/models",
        BadSetting,
        "must begin with s3://, gs://, az://, https://, file://, models:/, runs:/; correct the model's URI",
    ),
}


@pytest.mark.parametrize(("uri", "kind", "message"), LOCAL.values(), ids=LOCAL)
def test_other_uris(dest, uri, kind, message):
    with pytest.raises(kind) as caught:
        fetch(uri, dest, FetchSettings(), digest=None)
    assert str(caught.value) == f"{uri}: {message}"


def test_a_link_in_a_local_model(model, dest):
    (model / "weights").symlink_to("/etc/passwd")
    with pytest.raises(
        Exception, match="is a symbolic link or a special file, which a model's digest does not cover"
    ):
        fetch(model.as_uri(), dest, FetchSettings(), digest=None)
    assert names(dest) == []


def test_the_command_line_with_the_tutorials_secret(store, uri, dest):
    """Values made with `echo … | base64`, an address without a scheme: see what a pod's log shows."""
    environ = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": f"{store.access_key}\n",
        "AWS_SECRET_ACCESS_KEY": f"{store.secret_key}\n",
        "AWS_ENDPOINT_URL": f"127.0.0.1:{store.port}\n",
        "USE_SSL": "false\n",
    }
    command = [sys.executable, "-m", "server", "fetch", uri, str(dest), "--digest"]
    refused = subprocess.run([*command, OTHER], env=environ, capture_output=True, text=True, check=False)
    assert refused.returncode == DigestMismatch.exit_code
    assert DIGEST in refused.stderr
    assert OTHER in refused.stderr
    done = subprocess.run([*command, DIGEST], env=environ, capture_output=True, text=True, check=True)
    assert (
        "WARNING fetch: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, USE_SSL: white space around "
        "the value is left out; make the value without it (printf, not echo)\n"
    ) in done.stderr
    assert store.secret_key not in done.stderr + refused.stderr
    assert content(dest) == content(MODEL)
