"""The repository on GitHub, as far as gh may see it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from gitops.doctor.part import Part
from gitops.errors import GithubFailed, SettingsFailed
from gitops.github import gh
from gitops.github.settings import settings

GITHUB, ACTIONS = "gh", "GitHub Actions"
RELEASE = "release.yml"


def parts(repository: str) -> tuple[Part, Part]:
    """Return what setting ``repository`` up, OWNER/REPO, needs: whoever may, and workflows that run."""
    return (
        Part(
            GITHUB,
            lambda: _github(repository),
            "`gh auth login` as who has the role Admin",
        ),
        Part(
            ACTIONS,
            lambda: _actions(repository),
            f"switch it on at https://github.com/{repository}/actions, where GitHub asks once in a fork",
            GITHUB,
        ),
    )


def permissions(root: Path, repository: str) -> Part:
    """Return what the workflows may do, and the other settings that they need."""
    return Part(
        "settings on GitHub",
        lambda: _settings(root, repository),
        "`make github-settings` sets them (docs/install.md)",
        GITHUB,
        otherwise="warning",
    )


def _github(repository: str) -> str:
    found = gh.api("GET", f"repos/{repository}")
    if not (found.get("permissions") or {}).get("admin", True):
        raise GithubFailed(f"{repository}: who is logged in does not have the role Admin")
    return f"may set {found['full_name']}"


def _actions(repository: str) -> str:
    """Return which workflows run: GitHub keeps those of a new fork off until somebody switches them on.

    https://docs.github.com/en/rest/actions/permissions and …/workflows
    """
    if not gh.api("GET", f"repos/{repository}/actions/permissions").get("enabled", True):
        raise GithubFailed("no workflow runs: Actions are off in this repository")
    found = gh.api("GET", f"repos/{repository}/actions/workflows?per_page=100")["workflows"]
    off = sorted(Path(entry["path"]).name for entry in found if entry["state"] != "active")
    if RELEASE in off:
        raise GithubFailed(f"{RELEASE}, which builds the image, is off: `gh workflow enable {RELEASE}`")
    if not found:
        return "on; GitHub knows no workflow yet, as before the first push, or in a fork where nobody has switched them on"
    return f"on{', but for ' + ', '.join(off) + ' (`gh workflow enable …`)' if off else ''}"


def _settings(root: Path, repository: str) -> str:
    lines: list[str] = []
    # What a plan lacks is refused each time, and is no fault of the fork's.
    with suppress(SettingsFailed):
        lines.extend(settings(root, {**os.environ, "GITHUB_REPOSITORY": repository, "DRY_RUN": "1"}))
    differs = [line.split(maxsplit=1)[1] for line in lines if line.startswith("  differs")]
    if differs:
        raise GithubFailed("; ".join(differs))
    return "are as the workflows need them"
