"""actions/checkout: https://github.com/actions/checkout#usage."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.workflows.action import ActionFailed, Outputs, Use


def checkout(use: Use) -> Outputs:
    """Fetch as many commits as are asked for, and check out the event's commit or ``ref``."""
    github = use.job.contexts.values["github"]
    repository = use.job.repository
    if use.given("repository", github["repository"]) != github["repository"]:
        raise ActionFailed(f"repository {use.given('repository')!r}: not found")
    # A public repository can be read by anybody; a private fork of this one cannot.
    if use.given("token", use.job.token) == use.job.token:
        use.needs(contents="read")
    folder = use.path(use.given("path", "."))
    folder.mkdir(parents=True, exist_ok=True)
    git = _Git(folder)
    git("init", "--quiet", "--initial-branch=main")
    git("remote", "add", "origin", f"{github['server_url']}/{github['repository']}")
    asked = use.given("ref", github["ref"])
    ref = asked if asked.startswith("refs/") else _full(repository.github.bare.refs(), asked)
    sha = github["sha"] if ref == github["ref"] else repository.github.bare.sha(ref)
    depth = int(use.given("fetch-depth", "1"))
    local = ref.replace("refs/heads/", "refs/remotes/origin/").replace("refs/pull/", "refs/remotes/pull/")
    wanted = [f"+{sha}:{local}"] if local.startswith("refs/") else [sha]
    if depth == 0:
        # What is written last is the event's commit, though its branch may have gone on.
        git.fetch(repository.github.git, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    elif use.says("fetch-tags"):
        wanted.append("+refs/tags/*:refs/tags/*")
    git.fetch(repository.github.git, *wanted, *([f"--depth={depth}"] if depth else []))
    if ref.startswith("refs/heads/"):
        branch = ref.removeprefix("refs/heads/")
        git("checkout", "--quiet", "--force", "-B", branch, f"refs/remotes/origin/{branch}")
    else:
        git("checkout", "--quiet", "--force", "--detach", sha)
    if use.says("persist-credentials", default=True):
        word = base64.b64encode(f"x-access-token:{use.given('token', use.job.token)}".encode()).decode()
        git("config", f"http.{github['server_url']}/.extraheader", f"AUTHORIZATION: basic {word}")
    repository.prepare(folder)
    repository.runner.own(use.job.workspace)
    return {"ref": asked, "commit": sha}


def _full(refs: Mapping[str, str], name: str) -> str:
    """Return the whole name of a branch or tag; a commit's is itself."""
    found = [full for full in (f"refs/heads/{name}", f"refs/tags/{name}") if full in refs]
    if found:
        return found[0]
    if len(name) == 40:
        return name
    raise ActionFailed(f"A branch or tag with the name '{name}' could not be found")


class _Git:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch(self, origin: Path, *arguments: str) -> None:
        self(
            "fetch",
            "--quiet",
            "--no-tags",
            "--prune",
            "--no-recurse-submodules",
            f"file://{origin}",
            *arguments,
        )

    def __call__(self, *arguments: str) -> None:
        environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        command: list[str | Path] = [
            "git",
            "-C",
            self._folder,
            "-c",
            f"safe.directory={self._folder}",
            *arguments,
        ]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ActionFailed(f"git {' '.join(arguments)}: {done.stderr.strip()}")
