"""Revisions of a repository, and their files written to a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import BadArgument, NoBase
from gitops.git import resolve_revision
from tests.gitops.diff.repository import Repository


@pytest.fixture
def plain(tmp_path: Path) -> Repository:
    """A repository of two commits of one file, without manifests."""
    repository = Repository(tmp_path / "plain")
    repository.write("folder/file", "first\n")
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit()
    repository.git("tag", "v1")
    repository.write("folder/file", "second\n")
    repository.commit()
    return repository


@pytest.mark.parametrize(
    ("name", "content"), [("main", "second\n"), ("v1", "first\n"), ("HEAD~1", "first\n")]
)
def test_a_commit_is_written_as_it_was(plain: Repository, tmp_path: Path, name: str, content: str) -> None:
    plain.write("folder/file", "not committed\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert (resolve_revision(plain.root, name).write(scratch) / "folder/file").read_text() == content


def test_a_revision_is_named_with_its_commit(plain: Repository) -> None:
    commit = plain.git("rev-parse", "main").strip()
    assert resolve_revision(plain.root, "main").title == f"main ({commit[:7]})"
    assert resolve_revision(plain.root, commit[:10]).title == commit[:10]


def test_nothing_of_the_repository_is_touched(plain: Repository, tmp_path: Path) -> None:
    # Either makes git write beside the index when it reads a tree.
    plain.git("config", "core.splitIndex", "true")
    plain.git("config", "core.untrackedCache", "true")
    plain.write("folder/file", "not committed\n")
    before = plain.state()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    resolve_revision(plain.root, "v1").write(scratch)
    assert plain.state() == before


def test_files_that_an_archive_would_leave_out_are_there(plain: Repository, tmp_path: Path) -> None:
    plain.write(".gitattributes", "folder export-ignore\n")
    plain.commit()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert (resolve_revision(plain.root, "main").write(scratch) / "folder/file").is_file()


def test_a_sparse_work_tree_has_a_whole_base(plain: Repository, tmp_path: Path) -> None:
    plain.write("other/file", "other\n")
    plain.commit()
    plain.git("sparse-checkout", "set", "other")
    assert not (plain.root / "folder").exists()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert (resolve_revision(plain.root, "main").write(scratch) / "folder/file").is_file()


def test_a_folder_of_a_larger_repository(plain: Repository, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert (resolve_revision(plain.root / "folder", "v1").write(scratch) / "file").read_text() == "first\n"


def test_a_hook_of_another_repository_does_not_lead_astray(
    plain: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = plain.git("rev-parse", "main").strip()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere/index"))
    assert resolve_revision(plain.root, "main").commit == commit


@pytest.mark.parametrize("name", ["absent", "0123456789" * 4, "main:folder/file", "--help", "a b"])
def test_what_is_no_revision(plain: Repository, name: str) -> None:
    with pytest.raises(BadArgument) as caught:
        resolve_revision(plain.root, name)
    assert str(caught.value) == (
        f"base {name!r}: names no commit of this repository; give a branch, a tag or a commit id "
        "(`git branch --all` and `git log` show them), and fetch it if it is not here yet"
    )


def test_no_revision_at_all(plain: Repository) -> None:
    with pytest.raises(BadArgument) as caught:
        resolve_revision(plain.root, "")
    assert str(caught.value) == "no base: name the revision to compare with, as in `make diff BASE=main`"


def test_a_folder_without_git(tmp_path: Path) -> None:
    with pytest.raises(NoBase) as caught:
        resolve_revision(tmp_path, "main")
    assert str(caught.value).startswith(f"{tmp_path}: git said: fatal: not a git repository")
    assert str(caught.value).endswith(
        "\nthe base of the comparison is read from git: run this in a clone of the repository"
    )


def test_a_shallow_clone_without_the_base(plain: Repository, tmp_path: Path) -> None:
    base = plain.git("rev-parse", "v1").strip()
    clone = tmp_path / "clone"
    plain.git("clone", "--quiet", "--depth=1", f"file://{plain.root}", clone)
    assert resolve_revision(clone, "origin/main").title.startswith("origin/main (")
    with pytest.raises(NoBase) as caught:
        resolve_revision(clone, base)
    assert str(caught.value) == (
        f"base {base!r}: is not in this clone, which is shallow: it holds only the last commits; get it with "
        "`git fetch --depth=1 origin COMMIT`, or clone without --depth (actions/checkout: fetch-depth: 0)"
    )


def test_a_machine_without_git(plain: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBase) as caught:
        resolve_revision(plain.root, "main")
    assert str(caught.value).splitlines()[0] == ("git: no such command; install git")
