"""Proposing what a command changed in the work tree: a branch with one commit, and its one pull request."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gitops.errors import BadArgument, GithubFailed
from gitops.github.api import Api
from gitops.github.comment import text

# The account that a workflow's token belongs to: https://github.com/actions/checkout#push-a-commit-using-the-built-in-token
_NAME, _EMAIL = "github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com"
TIMEOUT_SECONDS = 300


def pull_request(root: Path, branch: str, title: str, body: Path, environ: Mapping[str, str]) -> str:
    """Commit what changed in the work tree ``root`` to ``branch``, push it, open its pull request or update it.

    The commit's parent is HEAD; what was on the branch before is replaced. HEAD, index and work tree stay as they
    are, and ``body``, the file that the text is in, stays out of the commit. Returns what was done.

    Raises:
        BadArgument: branch or title cannot be one, the file cannot be read, or a variable is missing.
        GithubFailed: git or GitHub refuses or does not answer.
    """
    _check(root, branch, title)
    said = text(body)
    with Api(environ) as api:
        commit = _commit(root, title, body, environ)
        if commit is None:
            return "nothing changed, so there is nothing to propose"
        base = str(api.get("")["default_branch"])
        if branch == base:
            raise BadArgument(f"BRANCH {branch!r}: is the branch to merge into; name another")
        _push(root, commit, branch, api, environ)
        owner = api.repository.partition("/")[0]
        found = api.get("/pulls", state="open", head=f"{owner}:{branch}", base=base)
        if found:
            number = found[0]["number"]
            api.send("PATCH", f"/pulls/{number}", title=title, body=said)
            return f"pull request {number} is up to date"
        made = api.send("POST", "/pulls", title=title, body=said, head=branch, base=base)
        return f"pull request {made['number']} is open"


def _check(root: Path, branch: str, title: str) -> None:
    if not title.strip() or "\n" in title:
        raise BadArgument(f"TITLE {title!r}: must be one line that says what changes")
    done = subprocess.run(
        ["git", "-C", root, "check-ref-format", f"refs/heads/{branch}"], capture_output=True, check=False
    )
    if done.returncode != 0 or branch.startswith("-"):
        raise BadArgument(f"BRANCH {branch!r}: must be the name of a branch, as in promote/moved")


def _commit(root: Path, title: str, body: Path, environ: Mapping[str, str]) -> str | None:
    """Return the commit of the work tree on HEAD, None where they are the same; an index of its own is used."""
    with tempfile.TemporaryDirectory(prefix="pull-request-") as scratch:
        own = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        _git(root, {**environ, **own}, "read-tree", "HEAD")
        paths = ["."]
        if body.resolve().is_relative_to(root.resolve()):
            paths.append(f":(exclude,literal){body.resolve().relative_to(root.resolve())}")
        _git(root, {**environ, **own}, "add", "--all", "--", *paths)
        tree = _git(root, {**environ, **own}, "write-tree")
    if tree == _git(root, environ, "rev-parse", "HEAD^{tree}"):
        return None
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _WHO.items()}
    return _git(root, {**environ, **who}, "commit-tree", tree, "-p", "HEAD", "-m", title)


_WHO = {"NAME": _NAME, "EMAIL": _EMAIL}


def _push(root: Path, commit: str, branch: str, api: Api, environ: Mapping[str, str]) -> None:
    server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
    word = base64.b64encode(f"x-access-token:{api.token}".encode()).decode()
    # By the environment: anyone may read the arguments of a process.
    secret = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {word}",
        "GIT_TERMINAL_PROMPT": "0",
    }
    url = f"{server}/{api.repository}.git"
    _git(root, {**environ, **secret}, "push", "--quiet", "--force", url, f"{commit}:refs/heads/{branch}")


def _git(root: Path, environ: Mapping[str, str], *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", root, *arguments],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GithubFailed(f"git {arguments[0]} did not end within {TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        raise GithubFailed(
            f"git {arguments[0]} ended with {done.returncode}: {' '.join(done.stderr.split())}"
        )
    return done.stdout.strip()
