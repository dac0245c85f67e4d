"""The destination: complete or absent, whatever happens, and whatever names and sizes someone else gives the files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.artifact.fetch import fetch
from server.artifact.staging import Entry, Staging, check_entries, check_name, check_space
from server.errors import BadArtifact, BadDestination, NotAModel
from server.settings import FetchSettings
from tests.server.artifact.fetching import DIGEST, FILES, MODEL, answering, content, names

URI = "s3://bucket/model"
MLMODEL = Entry("MLmodel", 1)


def refused(*names, **limits):
    with pytest.raises(BadArtifact) as caught:
        check_entries([MLMODEL, *(Entry(name, 1) for name in names)], URI, FetchSettings(**limits))
    return str(caught.value)


RULES = {
    "../../etc/passwd": "has an empty part, or one that is . or ..",
    "a/../MLmodel": "has an empty part, or one that is . or ..",
    "a/./b": "has an empty part, or one that is . or ..",
    "a//b": "has an empty part, or one that is . or ..",
    "": "has an empty part, or one that is . or ..",
    "/etc/passwd": "is an absolute path",
    "..\\..\\evil": "holds a backslash or a control character",
    "C:\\evil": "holds a backslash or a control character",
    "line\nbreak": "holds a backslash or a control character",
    "nul\0": "holds a backslash or a control character",
    "escape\x1b[2J": "holds a backslash or a control character",
    "a/" + "ü" * 128: "has a part of more than 255 bytes",
    ".fetching/content": "is where a model is fetched to",
}


@pytest.mark.parametrize(("name", "rule"), RULES.items(), ids=map(repr, RULES))
def test_names_that_are_refused(name, rule):
    assert refused(name) == (
        f"{URI}: the file name {name!r} {rule}; nothing is fetched: log the model again without it"
    )


CLASHES = {
    "case": (("Data.csv", "data.csv"), ("Data.csv", "data.csv")),
    "case of a folder": (("Code/a.py", "code/b.py"), ("Code/", "code/b.py")),
    "composed and decomposed": (("caf\u00e9", "cafe\u0301"), ("caf\u00e9", "cafe\u0301")),
    "file and folder": (("data", "data/x"), ("data", "data/x")),
    "folder and file": (("data/x", "data"), ("data/", "data")),
    "twice": (("data", "data"), ("data", "data")),
}


@pytest.mark.parametrize(("names", "shown"), CLASHES.values(), ids=CLASHES)
def test_names_that_clash(names, shown):
    assert refused(*names) == (
        f"{URI}: the file names {shown[0]!r} and {shown[1]!r} cannot both be written everywhere: they are the same "
        "but for upper and lower case, or one is a folder; log the model again with other names"
    )


def test_folders_may_be_shared():
    check_entries(
        [MLMODEL, Entry("code/a.py", 1), Entry("code/sub/b.py", 1), Entry("codes", 1)], URI, FetchSettings()
    )


@given(st.text())
def test_an_accepted_name_stays_below_the_folder(name):
    try:
        check_name(name, URI)
    except BadArtifact:
        return
    path = os.path.normpath(f"/mnt/models/{name}")
    assert path == f"/mnt/models/{name}"


def test_too_many_bytes():
    assert refused("big", max_bytes=1) == (
        f"{URI}: has more than 1 B; raise FETCH_MAX_BYTES (1) if it should"
    )


def test_too_many_files():
    assert refused("a", "b", max_files=2) == (
        f"{URI}: has more than 2 files; raise FETCH_MAX_FILES if it should"
    )


def test_no_mlmodel():
    with pytest.raises(NotAModel) as caught:
        check_entries([Entry("model/MLmodel", 1)], URI, FetchSettings())
    assert str(caught.value) == (
        f"{URI}: no MLmodel file among its 1 files; give the folder that MLflow logged, not its parent or a file in it"
    )


def put(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_nothing_stays_without_publish(dest):
    with Staging(dest) as staging:
        put(staging.folder, "MLmodel", "code/a.py")
    assert names(dest) == []


def test_folders_that_were_made_go_again(tmp_path):
    with Staging(tmp_path / "a" / "b") as staging:
        put(staging.folder, "MLmodel")
    assert names(tmp_path) == []


@pytest.mark.parametrize("moves", range(3))
def test_a_run_that_was_killed_while_it_published_is_cleaned_up(dest, monkeypatch, moves):
    """MLmodel comes last: until it is there, nobody takes the folder for a model."""

    class Killed(BaseException):
        pass

    rename, left = Path.rename, [moves + 1]  # the list of what is moved is renamed first

    def rename_until_killed(self, target):
        if not left[0]:
            raise Killed
        left[0] -= 1
        return rename(self, target)

    staging = Staging(dest)
    staging.__enter__()
    put(staging.folder, "MLmodel", "code/a.py", "weights")
    monkeypatch.setattr(Path, "rename", rename_until_killed)
    with pytest.raises(Killed):
        staging.publish()
    monkeypatch.undo()
    os.close(staging._lock)  # what the kernel does for a killed process
    assert names(dest) == [".fetching", *["code", "weights"][:moves]]

    with Staging(dest) as again:
        assert again.present() == []
        put(again.folder, "MLmodel", "other")
        again.publish()
    assert names(dest) == ["MLmodel", "other"]


def test_a_run_that_was_killed_after_it_published_left_a_whole_model(dest):
    with Staging(dest) as staging:
        put(staging.folder, "MLmodel", "weights")
        staging.publish()
    (dest / ".fetching" / "content").mkdir(parents=True)
    (dest / ".fetching" / "moving").write_text('["weights", "MLmodel"]')
    with Staging(dest) as again:
        assert [path.name for path in again.present()] == ["MLmodel", "weights"]
    assert names(dest) == ["MLmodel", "weights"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_ended_while_it_fetches(dest, number, model):
    """After SIGTERM nothing is left, after SIGKILL the next run cleans up."""

    ended = threading.Event()

    def never_ending(handler):
        handler.send(b"x" * 3_000_000, Content_Length="100000000")
        ended.wait(30)

    with answering(never_ending) as address:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "fetch", f"http://{address}/model.zip", str(dest)],
            stderr=subprocess.PIPE,
        )
        archive = dest / ".fetching" / "archive.zip"
        while not (archive.exists() and archive.stat().st_size) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(number)
        _, output = process.communicate()
        ended.set()
    assert names(dest) == ([] if number == signal.SIGTERM else [".fetching"]), output
    fetch(model.as_uri(), dest, FetchSettings(), digest=DIGEST)
    assert content(dest) == content(MODEL)


def test_two_at_once(dest):
    with Staging(dest), pytest.raises(BadDestination) as caught:
        Staging(dest).__enter__()
    assert str(caught.value) == (
        f"{dest}: another process is fetching a model into it; give each a folder of its own"
    )


def test_a_file_instead_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadDestination) as caught:
        Staging(tmp_path / "file").__enter__()
    assert str(caught.value) == (
        f"{tmp_path / 'file'}: cannot be written (File exists: {tmp_path / 'file'}); "
        "give a folder that this user may write"
    )


def test_a_full_disk(dest):
    def fill():
        with Staging(dest), Path("/dev/full").open("w", buffering=1) as full:
            full.write("the kernel refuses this as a full disk does\n")

    with pytest.raises(BadDestination) as caught:
        fill()
    assert (
        str(caught.value) == f"{dest}: no space is left for the model; give the volume more (its sizeLimit)"
    )
    assert names(dest) == []


def test_a_model_that_does_not_fit(dest):
    with Staging(dest) as staging, pytest.raises(BadDestination) as caught:
        check_space(staging.folder, 10**18)
    assert str(caught.value).startswith(f"{dest}: the model needs 1000000.0 TB and ")
    assert str(caught.value).endswith(" are free; give the volume more (its sizeLimit)")


def test_files_of_a_model_are_all_there_when_mlmodel_appears(dest, model):
    seen = []

    class Watched(type(dest)):
        def rename(self, target):
            seen.append(names(dest))
            return super().rename(target)

    with Staging(Watched(dest)) as staging:
        for name in FILES:
            (staging.folder / name).write_bytes((model / name).read_bytes())
        staging.publish()
    assert not any("MLmodel" in there for there in seen)
    assert names(dest) == FILES
