"""Several files are written, or none."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import BadManifest, NotWritten
from gitops.files import set_scalars, write_all


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    (tmp_path / "same").write_text("same")
    (tmp_path / "other").write_text("old")
    texts = {tmp_path / "same": "same", tmp_path / "other": "new", tmp_path / "deep/er/new": "made"}
    assert write_all(texts) == [tmp_path / "other", tmp_path / "deep/er/new"]
    assert {file: file.read_text() for file in texts} == texts
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["new", "other", "same"]


def test_a_file_is_removed_with_the_others_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "gone").write_text("old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotWritten, match="nothing is changed"):
        write_all({tmp_path / "gone": None, tmp_path / "folder": "no file"})
    assert (tmp_path / "gone").read_text() == "old"
    texts = {tmp_path / "gone": None, tmp_path / "never/there": None, tmp_path / "new": "made"}
    assert write_all(texts) == [tmp_path / "gone", tmp_path / "new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "new"]
    assert write_all(texts) == []


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "run"
    file.write_text("old")
    file.chmod(0o755)
    write_all({file: "new"})
    assert file.stat().st_mode & 0o777 == 0o755


def test_all_are_as_they_were_when_one_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "first").write_text("old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotWritten) as refused:
        write_all(
            {
                tmp_path / "first": "new",
                tmp_path / "new/second": "new",
                tmp_path / "folder": "no file",
            }
        )
    assert str(refused.value) == f"{tmp_path}/folder: cannot be written (Is a directory); nothing is changed"
    assert (tmp_path / "first").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "folder"]


NODE = """\
# on top
kind: GraphNode
spec:
  node: model  # its name
  modelUri: "s3://old/place"  # where
  # before the digest
  modelDigest: sha256:0
"""
KEYS = st.text("abcdefgh", min_size=1, max_size=4)
PLAIN = st.from_regex(r"[a-z][a-z0-9/:@._-]{0,10}[a-z0-9]", fullmatch=True)


def test_a_value_changes_and_the_comments_stay() -> None:
    assert set_scalars(NODE, ("spec",), {"modelUri": "s3://new", "modelDigest": "sha256:1"}, origin="f") == (
        NODE.replace('"s3://old/place"', "s3://new").replace("sha256:0", "sha256:1")
    )


def test_a_new_key_comes_after_those_that_change() -> None:
    values = {"node": "other", "note": "it's: #1"}
    assert set_scalars(NODE, ("spec",), values, origin="f") == NODE.replace(
        "  node: model  # its name\n", "  node: other  # its name\n  note: 'it''s: #1'\n"
    )


def test_a_new_key_comes_last_where_none_changes() -> None:
    assert set_scalars(NODE, ("spec",), {"modelFrom": "models:/a@b"}, origin="f") == (
        f"{NODE}  modelFrom: models:/a@b\n"
    )
    after = "a:\n  b: 1  # one\n\n# about c\nc: 2\n"
    assert (
        set_scalars(after, ("a",), {"d": "e"}, origin="f") == "a:\n  b: 1  # one\n  d: e\n\n# about c\nc: 2\n"
    )


def test_an_item_of_a_list_is_found_by_a_key() -> None:
    text = "images:\n  - name: one\n    digest: a\n  - name: two\n    digest: b\n"
    assert set_scalars(text, ("images", ("name", "two")), {"digest": "c"}, origin="f") == text.replace(
        ": b", ": c"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "f: while parsing a flow node expected the node content"),
        ("a: 1\n", "f: spec must be a mapping with a line for each key"),
        ("spec: {node: model}\n", "f: spec must be a mapping with a line for each key"),
    ],
    ids=["no-yaml", "missing", "flow"],
)
def test_what_cannot_be_changed_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadManifest) as refused:
        set_scalars(text, ("spec",), {"a": "b"}, origin="f")
    assert str(refused.value).startswith(said)


@given(
    content=st.dictionaries(KEYS, PLAIN, min_size=1),
    changes=st.dictionaries(KEYS, st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))),
    after=st.booleans(),
)
def test_the_rest_of_any_mapping_stays(content: dict[str, str], changes: dict[str, str], after: bool) -> None:
    whole = {"spec": content, **({"status": {"a": "b"}} if after else {})}
    text = yaml.safe_dump(whole, sort_keys=False)
    changed = set_scalars(text, ("spec",), changes, origin="f")
    assert yaml.safe_load(changed) == {**whole, "spec": {**content, **changes}}
