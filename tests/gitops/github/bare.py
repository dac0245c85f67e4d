"""The bare git repository of the stand-in for GitHub, changed by git's plumbing as GitHub's API changes one."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

ZERO = "0" * 40


class Bare:
    """The repository in ``folder``. What it is asked for and has not is a ``KeyError``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main")

    def git(self, *arguments: str, given: bytes | None = None, **variables: str) -> str:
        return self.raw(*arguments, given=given, **variables).decode(errors="surrogateescape").strip()

    def raw(self, *arguments: str, given: bytes | None = None, **variables: str) -> bytes:
        done = subprocess.run(
            ["git", f"--git-dir={self.folder}", *arguments],
            input=b"" if given is None else given,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **variables},
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise KeyError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", prefix).splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def sha(self, revision: str) -> str:
        """The commit that a branch, a tag or an object's name stands for."""
        for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            try:
                return self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            except KeyError:
                continue
        raise KeyError(revision)

    def contains(self, ancestor: str, commit: str) -> bool:
        return self.git("rev-list", "--count", ancestor, f"^{commit}") == "0"

    def update(self, updates: list[tuple[str, str, str | None, bool]]) -> None:
        """Set references, all or none: name, what it is set to (zeros: removed), what it must be now, and by force.

        Raises:
            ValueError: one is elsewhere, or is no fast-forward.
        """
        now = self.refs()
        for name, after, before, force in updates:
            if before is not None and now.get(name, ZERO) != before:
                raise ValueError(f"{name} is at {now.get(name, ZERO)}, not at {before}")
            if not force and name in now and after != ZERO and not self.contains(now[name], after):
                raise ValueError("Update is not a fast forward")
        lines = [f"update {name} {after} {now.get(name, ZERO)}" for name, after, _, _ in updates]
        self.git("update-ref", "--stdin", given="".join(f"{line}\n" for line in lines).encode())

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=content)

    def blob_as_json(self, sha: str) -> dict[str, Any]:
        content = self.raw("cat-file", "blob", sha)
        return {
            "sha": sha,
            "size": len(content),
            "encoding": "base64",
            "content": base64.encodebytes(content).decode(),
        }

    def tree(self, sha: str, *, recursive: bool) -> dict[str, Any]:
        found = self.git("rev-parse", "--verify", "--quiet", f"{sha}^{{tree}}")
        options = ["-r", "-t"] if recursive else []
        entries = []
        for line in self.raw("ls-tree", "-z", "--full-tree", *options, found).split(b"\0")[:-1]:
            about, path = line.split(b"\t", 1)
            mode, kind, name = about.decode().split()
            entries.append({"path": path.decode(), "mode": mode, "type": kind, "sha": name})
        return {"sha": found, "tree": entries, "truncated": False}

    def make_tree(self, entries: list[dict[str, Any]], base: str | None) -> str:
        index = {"GIT_INDEX_FILE": str(self.folder / "index-of-the-api")}
        (self.folder / "index-of-the-api").unlink(missing_ok=True)
        self.git("read-tree", base or "--empty", **index)
        lines = []
        for entry in entries:
            if "content" in entry:
                entry = {**entry, "sha": self.blob(entry["content"].encode())}
            if entry["sha"] is None:
                lines.append(f"0 {ZERO}\t{entry['path']}")
            else:
                self.git("cat-file", "-e", entry["sha"])
                lines.append(f"{entry['mode']} {entry['sha']}\t{entry['path']}")
        given = "".join(f"{line}\0" for line in sorted(lines)).encode()
        self.git("update-index", "-z", "--replace", "--index-info", given=given, **index)
        return self.git("write-tree", **index)

    def make_commit(self, message: str, tree: str, parents: list[str], who: dict[str, dict[str, str]]) -> str:
        variables = {}
        for role, person in who.items():
            variables[f"GIT_{role.upper()}_NAME"] = person["name"]
            variables[f"GIT_{role.upper()}_EMAIL"] = person["email"]
            if "date" in person:
                variables[f"GIT_{role.upper()}_DATE"] = person["date"]
        options = [option for parent in parents for option in ("-p", self.sha(parent))]
        return self.git("commit-tree", tree, *options, given=message.encode(), **variables)

    def commit(self, revision: str) -> dict[str, Any]:
        """What git/commits says of one, less what GitHub thinks of its signature."""
        sha = self.sha(revision)
        form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
        fields = self.git("show", "--no-patch", f"--format={form}", sha).split("\0")
        return {
            "sha": fields[0],
            "node_id": f"C_{fields[0]}",
            "tree": {"sha": fields[1]},
            "parents": [{"sha": parent} for parent in fields[2].split()],
            "author": dict(zip(("name", "email", "date"), fields[3:6], strict=True)),
            "committer": dict(zip(("name", "email", "date"), fields[6:9], strict=True)),
            "message": fields[9].strip(),
        }

    def between(self, base: str, head: str) -> list[str]:
        """The commits of ``head`` that ``base`` has not, the oldest first."""
        return self.git("rev-list", "--reverse", "--topo-order", head, f"^{base}").split()

    def changed(self, base: str, head: str) -> list[dict[str, Any]]:
        words = {"A": "added", "M": "modified", "D": "removed", "T": "changed"}
        found = []
        fields = self.raw("diff-tree", "-r", "-z", "--no-renames", base, head).split(b"\0")[:-1]
        for about, path in zip(fields[::2], fields[1::2], strict=True):
            _, _, before, after, letter = about.decode().split()
            sha = before if letter == "D" else after
            found.append({"filename": path.decode(), "status": words[letter], "sha": sha})
        return found

    def merge_base(self, one: str, other: str) -> str:
        return self.git("merge-base", one, other)
