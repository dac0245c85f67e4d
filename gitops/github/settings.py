"""The repository on GitHub whose settings are read, and what was asked for it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from gitops.command import Run, print_lines
from gitops.errors import BadArgument, GithubFailed, SettingsFailed
from gitops.github import gh, rulesets
from gitops.github.gh import SettingChange, differences
from gitops.manifests import image
from gitops.switch import is_on


@dataclass(frozen=True)
class Repository:
    """The repository ``name`` (owner/name) as GitHub describes it, and what was asked for.

    ``queue`` and ``approvals`` are None where nobody asked: then what is there stays. ``app`` is the id of the bot's
    GitHub App as it was given.
    """

    name: str
    description: Mapping[str, Any]
    queue: bool | None
    approvals: int | None
    app: str

    @property
    def organization(self) -> bool:
        """Whether an organization owns it."""
        return str(self.description["owner"]["type"]) == "Organization"

    @cached_property
    def rulesets(self) -> Mapping[str, int]:
        """Return the ids of its rulesets by their names, as they were when this ran first."""
        return rulesets.listed(self.name)

    def ruleset(self, name: str) -> dict[str, Any] | None:
        """Return the ruleset of this name as it is now, None where there was none."""
        return rulesets.existing(self.name, self.rulesets.get(name))


# What a rule that is not ours would do to the bot's branches: GitHub refuses its push with GH013.
_STOP = {"creation", "update", "pull_request", "required_status_checks", "non_fast_forward", "deletion"}


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare no argument."""
    return lambda arguments, root: print_lines(settings(root, os.environ))


Setting = Callable[[Repository], Iterator[SettingChange | str]]


def settings(root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """Set what differs, and yield a line for each setting; with DRY_RUN=1 only say what would be done.

    GITHUB_REPOSITORY names the repository, else the remote origin. MERGE_QUEUE=1 switches the merge queue on, 0 off;
    APPROVALS is how many a pull request needs; APP_ID the bot's GitHub App, else the variable of that name on GitHub.

    Raises:
        BadArgument: a variable has another value, there is no gh, or nobody is logged in.
        GithubFailed: the repository cannot be read.
        SettingsFailed: a setting cannot be read or set; all others were tried.
    """
    dry = is_on("DRY_RUN", environ.get("DRY_RUN", ""))
    repo = _repository(root, environ)
    yield f"{repo.name}: {'what differs (nothing is changed)' if dry else 'what is set'}"
    failed = []
    for name, setting in SETTINGS.items():
        try:
            same = True
            for step in setting(repo):
                same = False
                if isinstance(step, str):
                    yield f"  by hand  {name}: {step}"
                    continue
                if not dry:
                    gh.api(step.method, step.path, step.body)
                yield f"  {'differs' if dry else 'set':7}  {name}: {step.text}"
            if same:
                yield f"  ok       {name}"
        except (GithubFailed, BadArgument) as error:
            failed.append(name)
            yield f"  FAILED   {name}: {error}"
    if failed:
        raise SettingsFailed(
            f"{len(failed)} of {len(SETTINGS)} settings cannot be {'read' if dry else 'set'}: {', '.join(failed)}; what a plan "
            "does not have stands in docs/install.md; run this again once the rest is mended"
        )


def _repository(root: Path, environ: Mapping[str, str]) -> Repository:
    queue, asked = _queue(environ.get("MERGE_QUEUE", "")), environ.get("APPROVALS", "")
    if asked and not (asked.isascii() and asked.isdigit() and int(asked) <= 10):
        raise BadArgument(f"APPROVALS {asked!r}: must be a number from 0 to 10")
    name = gh.repository(root, environ.get("GITHUB_REPOSITORY", ""))
    description = gh.api("GET", f"repos/{name}")
    return Repository(
        str(description["full_name"]),
        description,
        queue,
        int(asked) if asked else None,
        environ.get("APP_ID", ""),
    )


def _queue(value: str) -> bool | None:
    """Return whether there is to be a merge queue, None where nobody says."""
    return is_on("MERGE_QUEUE", value) if value else None


def _workflows(repo: Repository) -> Iterator[SettingChange | str]:
    path = f"repos/{repo.name}/actions/permissions/workflow"
    wanted = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": True}
    lines = list(differences(wanted, gh.api("GET", path)))
    if lines:
        yield SettingChange("; ".join(lines), "PUT", path, wanted)


def _branches(repo: Repository) -> Iterator[SettingChange | str]:
    wanted = {"delete_branch_on_merge": True}
    lines = list(differences(wanted, repo.description))
    if lines:
        yield SettingChange("; ".join(lines), "PATCH", f"repos/{repo.name}", wanted)


def _environment(name: str) -> Setting:
    def setting(repo: Repository) -> Iterator[SettingChange | str]:
        yield from rulesets.environment_changes(repo.name, name)

    return setting


def _main(repo: Repository) -> Iterator[SettingChange | str]:
    has = repo.ruleset(rulesets.MAIN)
    approvals = repo.approvals
    if approvals is None:
        # Who is alone has nobody to ask; a number that somebody chose stays.
        approvals = _approvals(has) if has else int(repo.organization)
    # One that is there keeps the numbers that somebody gave it.
    queue = bool(repo.queue) and repo.organization and not _has(has, "merge_queue")
    changes = list(rulesets.change(repo.name, rulesets.main(approvals, queue=queue), has))
    yield from changes
    if has and repo.queue is False:
        has = repo.ruleset(rulesets.MAIN) if changes else has
        step = rulesets.without(repo.name, has or {"rules": []}, "merge_queue")
        if step is not None:
            yield step
    if repo.queue and not repo.organization:
        _refuse("MERGE_QUEUE=1: only repositories of organizations have a merge queue")


def _approvals(has: Mapping[str, Any]) -> int:
    return int((_has(has, "pull_request") or {}).get("required_approving_review_count", 0))


def _has(has: Mapping[str, Any] | None, kind: str) -> Mapping[str, Any] | None:
    """Return the parameters of a ruleset's rule of this type, None where it has none."""
    rules = (has or {}).get("rules") or ()
    return next((rule.get("parameters") or {} for rule in rules if rule["type"] == kind), None)


def _bot(repo: Repository) -> Iterator[SettingChange | str]:
    app = repo.app or str((gh.find(f"repos/{repo.name}/actions/variables/APP_ID") or {}).get("value", ""))
    if app and not (app.isascii() and app.isdigit()):
        _refuse(
            f"APP_ID {app!r}: must be the number that the App's page on GitHub calls App ID, not its client ID"
        )
    has = repo.ruleset(rulesets.BOT)
    # Before ours is there or gone.
    stops = [
        rule
        for rule in gh.api("GET", f"repos/{repo.name}/rules/branches/release%2Fimage?per_page=100")
        if rule["type"] in _STOP and (has is None or rule.get("ruleset_id") != has["id"])
    ]
    if app:
        yield from rulesets.change(repo.name, rulesets.bot(int(app)), has)
    elif has is not None:
        # GitHub lets no rule of a repository except the workflows' own token.
        path = f"repos/{repo.name}/rulesets/{has['id']}"
        yield SettingChange(
            "there → removed: without an App (APP_ID) it stops the bot itself", "DELETE", path
        )
    for rule in stops:
        yield (
            f"the rule {rule['type']} of the ruleset {rule.get('ruleset_id')} ({rule.get('ruleset_source')}) applies to "
            "release/image and stops the bot (GH013), unless its App may bypass it: exclude release/** and promote/**"
        )


def _tags(repo: Repository) -> Iterator[SettingChange | str]:
    for wanted in rulesets.tags():
        for step in rulesets.change(repo.name, wanted, repo.ruleset(wanted.name)):
            yield SettingChange(f"{wanted.name}: {step.text}", step.method, step.path, step.body)


def _package(repo: Repository) -> Iterator[SettingChange | str]:
    owner = str(repo.description["owner"]["login"])
    kind = "orgs" if repo.organization else "users"
    try:
        found = gh.find(f"{kind}/{owner}/packages/container/{image.NAME}")
    except gh.GhRefused as error:
        if error.status == 403 and "read:packages" in str(error):
            yield "gh may not see packages: run `gh auth refresh --scopes read:packages`, and this again"
            return
        raise
    page = f"https://github.com/{kind}/{owner}/packages/container/{image.NAME}/settings"
    if found is None:
        yield "the image is not pushed yet, or cannot be seen; run this again after the first release"
        return
    wanted = "private" if repo.description["private"] else "public"
    if found["visibility"] != wanted:
        yield (
            f"the image is {found['visibility']}, the repository {wanted}; GitHub has no API for it: Change visibility in "
            f"{page} (a private image needs the registry's account in the cluster: docs/secrets.md)"
        )
    linked = str((found.get("repository") or {}).get("full_name", ""))
    if linked.lower() != repo.name.lower():
        yield (
            f"the image belongs to {linked or 'no repository'}; GitHub has no API for it: add {repo.name} with the role "
            f"Write under Manage Actions access in {page}"
        )


def _refuse(message: str) -> NoReturn:
    raise BadArgument(message)


SETTINGS: Mapping[str, Setting] = {
    "workflow permissions": _workflows,
    "branches that are merged": _branches,
    "environment release": _environment("release"),
    "environment promotion": _environment("promotion"),
    "rules for the bot's branches": _bot,
    "rules for tags v*": _tags,
    "rules for main": _main,
    "package": _package,
}
