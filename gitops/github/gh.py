"""GitHub's REST API by its own command line tool, in the name of whoever is logged in there.

https://cli.github.com/manual/gh_api; on an error the body goes to standard output, a line of words to standard error.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.errors import BadArgument, GithubFailed, GitopsError
from gitops.git import git, shown_url

TIMEOUT_SECONDS = 60
_STATUS = re.compile(r"\(HTTP (\d{3})\)")
_ORIGIN = re.compile(
    r"(?:https://(?:[^/\s@]+@)?|ssh://git@|git@)github\.com[:/]([^/\s]+/[^/\s]+?)(?:\.git)?/?"
)


class GhRefused(GithubFailed):
    """GitHub answers with the error ``status`` (0 where gh does not say), in its own words."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def api(method: str, path: str, body: Any = None) -> Any:
    """Return what GitHub answers at ``path``, None where it answers nothing; ``body`` is sent as JSON.

    Raises:
        BadArgument: there is no gh, or nobody is logged in.
        Refused: GitHub answers with an error.
        GithubFailed: it does not answer.
    """
    arguments = ["gh", "api", "--method", method, "--header", "X-GitHub-Api-Version: 2022-11-28", path]
    done = _run(arguments if body is None else [*arguments, "--input", "-"], body)
    if done.returncode == 4:
        # https://cli.github.com/manual/gh_help_exit-codes
        raise BadArgument(f"gh: {' '.join(done.stderr.split())}; log in with `gh auth login`")
    if done.returncode != 0:
        status = _STATUS.search(done.stderr)
        code = int(status[1]) if status else 0
        raise GhRefused(
            f"{method} {path}: GitHub says {code}: {_said(done)}"
            if code
            else f"{method} {path}: {_said(done)}",
            code,
        )
    return json.loads(done.stdout) if done.stdout.strip() else None


def find(path: str) -> Any:
    """Return what is at ``path``, None where nothing is.

    Raises:
        BadArgument: there is no gh, or nobody is logged in.
        GithubFailed: GitHub refuses or does not answer.
    """
    try:
        return api("GET", path)
    except GhRefused as error:
        if error.status == 404:
            return None
        raise


def repository(root: Path, named: str) -> str:
    """Return OWNER/REPO: ``named``, else that of the remote origin, else the one that gh is set to.

    Raises:
        BadArgument: none of them says.
    """
    if named:
        return named
    try:
        return origin(root)
    except GitopsError:
        pass  # gh may know it by another remote.
    done = _run(["gh", "repo", "view", "--json", "nameWithOwner", "--jq", ".nameWithOwner"], None)
    if done.returncode != 0 or not done.stdout.strip():
        raise BadArgument("no repository: set GITHUB_REPOSITORY=owner/name, or add the remote origin")
    return done.stdout.strip()


def origin(root: Path) -> str:
    """Return OWNER/REPO of the remote origin.

    Raises:
        GithubFailed: there is none, or it is not on GitHub.
    """
    url = git(root, "remote", "get-url", "origin", fail=GithubFailed).strip()
    found = _ORIGIN.fullmatch(url)
    if found is None:
        raise GithubFailed(f"the remote origin is {shown_url(url)}, and names no OWNER/REPO on github.com")
    return found[1]


def _run(arguments: list[str], body: Any) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            arguments,
            input="" if body is None else json.dumps(body),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise BadArgument("gh: no such command; install it (https://cli.github.com) and log in") from error
    except subprocess.TimeoutExpired as error:
        raise GithubFailed(f"{' '.join(arguments)}: no answer after {TIMEOUT_SECONDS} s") from error


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """Return GitHub's own message with its details, else what gh says."""
    try:
        body = json.loads(done.stdout)
        errors = [
            error if isinstance(error, str) else json.dumps(error) for error in body.get("errors") or ()
        ]
        return " ".join(": ".join([str(body["message"]), *errors]).split())
    except (ValueError, KeyError, AttributeError, TypeError):
        return " ".join((done.stderr or done.stdout).split())


@dataclass(frozen=True)
class SettingChange:
    """``text`` says what changes, from what to what; the rest is what GitHub is asked for."""

    text: str
    method: str
    path: str
    body: Any = None


def differences(wanted: Mapping[str, Any], has: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield a line for each value of ``wanted`` that ``has`` has otherwise; what it has beside is its own business."""
    for key, value in wanted.items():
        name = f"{path}.{key}" if path else key
        old = has.get(key)
        if isinstance(value, Mapping):
            yield from differences(value, old if isinstance(old, Mapping) else {}, name)
        elif old != value:
            yield f"{name}: {shown(old)} → {shown(value)}"


def shown(value: Any) -> str:
    """Return a value as a line of a report has it."""
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)
