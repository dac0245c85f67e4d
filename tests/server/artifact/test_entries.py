"""Names and sizes of a model's files, as someone else gives them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.artifact.staging import Entry, check_entries, check_name
from server.errors import BadArtifact, NotAModel
from server.settings import FetchSettings

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
