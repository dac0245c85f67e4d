"""The commits of the repository that a test's workflows run in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.gitops.github.bare import Bare
from tests.workflows.repository import Repository

_WHO = {role: {"name": "somebody", "email": "somebody@localhost"} for role in ("author", "committer")}


class History:
    """What was committed to a repository."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    @property
    def _bare(self) -> Bare:
        return self.repository.github.bare

    def take(self, root: Path) -> str:
        """Make a commit of all that git sees in the work tree ``root`` that of main, twice: it has a parent."""
        index = str(self.repository.folder / "index")
        self._bare.git(f"--work-tree={root}", "add", "--all", "--", str(root), GIT_INDEX_FILE=index)
        tree = self._bare.git("write-tree", GIT_INDEX_FILE=index)
        first = self._bare.make_commit("before", tree, [], _WHO)
        sha = self._bare.make_commit("change", tree, [first], _WHO)
        self._bare.git("update-ref", "refs/heads/main", sha)
        return sha

    def commit(self, files: Mapping[str, str], branch: str = "main") -> str:
        """Add a commit with ``files`` to a branch, made from main where it is not there yet."""
        bare = self._bare
        refs = bare.refs("refs/heads/")
        parent = refs.get(f"refs/heads/{branch}") or refs.get("refs/heads/main")
        entries = [
            {"path": path, "mode": "100644", "type": "blob", "content": text} for path, text in files.items()
        ]
        tree = bare.make_tree(entries, parent)
        sha = bare.make_commit("change", tree, [parent] if parent else [], _WHO)
        bare.git("update-ref", f"refs/heads/{branch}", sha)
        return sha

    def edit(self, path: str, old: str, new: str, branch: str = "main") -> str:
        """Commit a change of the one place in a file that says ``old``."""
        refs = self._bare.refs("refs/heads/")
        start = branch if f"refs/heads/{branch}" in refs else "main"
        text = self._bare.raw("show", f"refs/heads/{start}:{path}").decode()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        return self.commit({path: text.replace(old, new)}, branch)

    def workflow(self, text: str, **others: str) -> None:
        """Commit workflow.yml, and others by their names, on two commits that have none."""
        for at in range(2):
            self.commit({"README.md": f"{at}\n"})
        files = {"workflow.yml": text, **{f"{name}.yml": each for name, each in others.items()}}
        self.commit({f".github/workflows/{name}": each for name, each in files.items()})
