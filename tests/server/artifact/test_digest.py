"""The digest of a model: what coreutils say."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.artifact.digest import check, model_digest
from server.errors import BadSetting, NotAModel
from tests.server.artifact.fetching import DIGEST, MODEL

COREUTILS = (
    "find . -type f ! -name model.sig ! -name registered_model_meta ! -name .fetch.json | LC_ALL=C sort | "
    "xargs -r -d '\\n' sha256sum | sha256sum"
)


def by_coreutils(folder):
    done = subprocess.run(["bash", "-c", COREUTILS], cwd=folder, capture_output=True, text=True, check=True)
    return f"sha256:{done.stdout.split()[0]}"


def test_iris():
    assert model_digest(MODEL) == DIGEST == by_coreutils(MODEL)


NAMES = st.lists(
    st.text(
        st.characters(exclude_characters="/\\\0\n\r", exclude_categories=["Cs"]), min_size=1, max_size=8
    ).filter(lambda name: name not in (".", "..")),
    min_size=1,
    max_size=3,
)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=20)), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_any_names_and_contents(files):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for names, content in files:
            path = folder.joinpath(*names)
            # A name may be a folder in one path and a file in another.
            if not path.exists() and all(parent.is_dir() or not parent.exists() for parent in path.parents):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        assert model_digest(folder) == by_coreutils(folder)


def test_what_is_added_afterwards_does_not_count(model):
    (model / "model.sig").write_text("signature")
    (model / "registered_model_meta").write_text("model_name: iris")
    (model / "folder").mkdir()
    (model / "link").symlink_to("MLmodel")
    assert model_digest(model) == DIGEST


def test_a_byte_and_a_name_count(model):
    (model / "requirements.txt").write_bytes((model / "requirements.txt").read_bytes() + b" ")
    changed = model_digest(model)
    (model / "requirements.txt").rename(model / "Requirements.txt")
    assert len({DIGEST, changed, model_digest(model)}) == 3


def test_no_file(tmp_path):
    with pytest.raises(NotAModel) as caught:
        model_digest(tmp_path)
    assert str(caught.value) == (
        f"no file in {tmp_path}: a model's digest needs at least one; give the folder that MLflow logged"
    )


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a\rb"])
def test_a_name_that_sha256sum_escapes(tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(NotAModel) as caught:
        model_digest(tmp_path)
    assert str(caught.value) == (
        f"{'./' + name!r} in {tmp_path}: a file name of a model must not hold a backslash or a line break; "
        "rename the file and log the model again"
    )


@pytest.mark.parametrize(
    "digest", ["", "sha256:", DIGEST.upper(), DIGEST[:-1], DIGEST + "0", DIGEST.removeprefix("sha256:")]
)
def test_not_a_digest(digest):
    with pytest.raises(BadSetting) as caught:
        check(digest)
    assert str(caught.value) == (
        f"digest {digest!r}: must be sha256: and 64 lower-case hex digits, as `python -m server inspect` "
        "prints it; correct modelDigest in the overlay"
    )
