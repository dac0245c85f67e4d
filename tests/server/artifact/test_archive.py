"""Archives at HTTP addresses."""

from __future__ import annotations

import logging
import os
import re
import shutil
from pathlib import Path

import pytest

from server.artifact import progress
from server.artifact.fetch import fetch
from server.errors import AccessDenied, BadSetting, SourceNotFound, SourceUnreachable
from server.settings import FetchSettings
from tests.server.artifact.fetching import AUTHORITY, DIGEST, MODEL, answering, content, names


@pytest.fixture
def archive(tmp_path):
    """The iris model as the bytes of a .tar.gz."""
    return Path(shutil.make_archive(str(tmp_path / "packed"), "gztar", MODEL)).read_bytes()


def sending(body, *, cut=(), etag=None, ranges=True):
    """Return a handler that sends ``body``; request number n breaks off after ``cut[n]`` bytes."""
    asked = []

    def answer(handler):
        asked.append(handler)
        requested = handler.headers["Range"] if ranges else None
        start = int(requested.removeprefix("bytes=").partition("-")[0]) if requested else 0
        headers = {"ETag": etag} if etag else {}
        if requested:
            headers["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        number = len(asked) - 1
        sent = body[start : start + cut[number]] if number < len(cut) else body[start:]
        handler.close_connection = True
        handler.send(sent, 206 if requested else 200, Content_Length=str(len(body) - start), **headers)

    answer.asked = asked
    return answer


def test_an_archive_over_tls_with_an_authority_of_its_own(archive, dest, tmp_path):
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.cert_pem.bytes())
    with answering(sending(archive), tls=True) as address:
        uri = f"https://{address}/models/iris.tar.gz"
        with pytest.raises(SourceUnreachable) as caught:
            fetch(uri, dest, FetchSettings(), digest=DIGEST)
        assert str(caught.value) == (
            f"{uri}: https://{address} cannot be reached: its certificate is not trusted; "
            "set FETCH_CA_BUNDLE to its authority's PEM file"
        )
        fetch(uri, dest, FetchSettings(ca_bundle=str(tmp_path / "ca.pem")), digest=DIGEST)
    assert content(dest) == content(MODEL)


def test_a_token_in_the_query_is_sent_and_not_shown(archive, dest, caplog):
    answer = sending(archive)
    with answering(answer) as address, caplog.at_level(logging.DEBUG):
        fetch(f"http://{address}/iris.tgz?sig=hush%2F", dest, FetchSettings(), digest=DIGEST)
    assert answer.asked[0].path == "/iris.tgz?sig=hush%2F"
    assert "hush" not in caplog.text


def test_a_redirect_keeps_the_authorization_to_its_own_host(archive, dest):
    elsewhere = sending(archive)
    asked = []
    with answering(elsewhere) as other:

        def redirect(handler):
            asked.append(handler.headers["Authorization"])
            handler.send(b"", 302, Location=f"http://{other}/iris.tgz")

        with answering(redirect) as address:
            settings = FetchSettings(authorization="Bearer hush")
            fetch(f"http://{address}/iris.tgz", dest, settings, digest=DIGEST)
    assert asked == ["Bearer hush"]
    assert [handler.headers["Authorization"] for handler in elsewhere.asked] == [None]


def test_a_lost_connection_is_taken_up_again(archive, dest):
    answer = sending(archive, cut=[1000, 2000], etag='"1"')
    with answering(answer) as address:
        fetch(f"http://{address}/iris.tgz", dest, FetchSettings(), digest=DIGEST)
    assert [handler.headers["Range"] for handler in answer.asked] == [
        None,
        f"bytes=1000-{len(archive) - 1}",
        f"bytes=3000-{len(archive) - 1}",
    ]


def test_a_lost_connection_begins_anew_where_the_server_cannot_go_on(
    model, tmp_path, dest, caplog, monkeypatch
):
    (model / "weights").write_bytes(os.urandom(3_000_000))
    body = Path(shutil.make_archive(str(tmp_path / "packed"), "gztar", model)).read_bytes()
    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0.005)
    answer = sending(body, cut=[2_500_000], ranges=False)
    with answering(answer) as address, caplog.at_level(logging.INFO):
        fetch(f"http://{address}/iris.tgz", dest, FetchSettings(), digest=None)
    assert len(answer.asked) == 2
    assert content(dest) == content(model)
    [warning] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.endswith(" s, 2 tries are left")
    # What came in vain does not count.
    shares = [int(found[1]) for found in map(re.compile(r"\((\d+) %\)").search, caplog.messages) if found]
    assert max(shares) <= 100


def test_a_server_that_always_breaks_off_is_given_up(archive, dest, monkeypatch):
    monkeypatch.setattr("server.artifact.archive.random.uniform", lambda low, high: 0)
    answer = sending(archive, cut=[1000] * 100, ranges=False)
    with answering(answer) as address, pytest.raises(SourceUnreachable):
        fetch(f"http://{address}/iris.tgz", dest, FetchSettings(), digest=DIGEST)
    assert len(answer.asked) == 3
    assert names(dest) == []


REFUSED = {
    "credentials": (
        "http://user:hush@ADDRESS/iris.tgz",
        BadSetting,
        "http://ADDRESS/iris.tgz: must not hold credentials; give them in FETCH_AUTHORIZATION, from a secret",
    ),
    "no archive": (
        "http://ADDRESS/iris/?a=iris.tgz",
        BadSetting,
        "http://ADDRESS/iris/: must be an archive, .tar.gz or .tgz or .zip: files cannot be listed over HTTP; "
        "give the address of an archive",
    ),
    "not there": (
        "http://ADDRESS/404.tgz",
        SourceNotFound,
        "http://ADDRESS/404.tgz: http://ADDRESS answers 404 Not Found; "
        "correct the path in the model's URI, or the store's address",
    ),
    "login": (
        "http://ADDRESS/401.tgz",
        AccessDenied,
        "http://ADDRESS/401.tgz: http://ADDRESS answers 401 Unauthorized; "
        "give the credentials that this address asks for",
    ),
}


@pytest.mark.parametrize(("uri", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(dest, uri, kind, message):
    with answering(lambda handler: handler.send(b"", int(handler.path[1:4]))) as address:
        with pytest.raises(kind) as caught:
            fetch(uri.replace("ADDRESS", address), dest, FetchSettings(), digest=None)
        assert str(caught.value) == message.replace("ADDRESS", address)
    assert names(dest) == []
