"""Rulesets of branches and tags, and deployment environments: as they should be, and what a repository lacks.

https://docs.github.com/en/rest/repos/rules and https://docs.github.com/en/rest/deployments/environments. What people have
added to a ruleset of ours stays: further rules, required checks, a merge queue, another number of approvals. Who may bypass
it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.github import gh
from gitops.github.gh import SettingChange, differences, shown

# The app that makes the check runs of workflows; no other may pass for one.
ACTIONS = 15368
# The role admin of a repository.
_ADMIN = 5
MAIN, BOT, TAGS, TAGS_STAY = "main", "the bot's branches", "tags v*: by admins", "tags v*: for good"
BOT_BRANCHES = ("refs/heads/release/**", "refs/heads/promote/**")
# https://docs.github.com/en/rest/repos/rules: all of them must be given.
_QUEUE = {
    "check_response_timeout_minutes": 60,
    "grouping_strategy": "ALLGREEN",
    "max_entries_to_build": 5,
    "max_entries_to_merge": 5,
    "merge_method": "MERGE",
    "min_entries_to_merge": 1,
    "min_entries_to_merge_wait_minutes": 1,
}


@dataclass(frozen=True)
class Ruleset:
    """A ruleset as it should be: ``rules`` by their type, and ``bypass`` as (actor, its id, mode)."""

    name: str
    target: str
    include: tuple[str, ...]
    rules: Mapping[str, Mapping[str, Any]]
    bypass: tuple[tuple[str, int, str], ...] = ()


def main(approvals: int, *, queue: bool) -> Ruleset:
    """Return the rules of the default branch: by pull requests alone, and only with the check `ci`."""
    rules: dict[str, Mapping[str, Any]] = {
        "deletion": {},
        "non_fast_forward": {},
        "pull_request": {
            "required_approving_review_count": approvals,
            "dismiss_stale_reviews_on_push": True,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_review_thread_resolution": False,
        },
        "required_status_checks": {
            "strict_required_status_checks_policy": False,
            "required_status_checks": [{"context": "ci", "integration_id": ACTIONS}],
        },
    }
    if queue:
        rules["merge_queue"] = _QUEUE
    # An admin who is alone can merge what nobody else approves; nobody pushes past a pull request.
    return Ruleset(MAIN, "branch", ("~DEFAULT_BRANCH",), rules, (("RepositoryRole", _ADMIN, "pull_request"),))


def bot(app: int) -> Ruleset:
    """Return the rules of the branches that the GitHub App ``app`` writes: nobody else does but admins."""
    return Ruleset(
        BOT,
        "branch",
        BOT_BRANCHES,
        {"creation": {}, "update": {}, "deletion": {}},
        (("Integration", app, "always"), ("RepositoryRole", _ADMIN, "always")),
    )


def tags() -> tuple[Ruleset, Ruleset]:
    """Return the rules of release tags: admins make them, and nobody changes one."""
    include = ("refs/tags/v*",)
    return (
        Ruleset(TAGS, "tag", include, {"creation": {}}, (("RepositoryRole", _ADMIN, "always"),)),
        Ruleset(TAGS_STAY, "tag", include, {"update": {}, "deletion": {}, "non_fast_forward": {}}),
    )


def listed(repository: str) -> dict[str, int]:
    """Return the ids of the repository's own rulesets by their names.

    Raises:
        BadArgument: there is no gh, or nobody is logged in.
        GithubFailed: GitHub refuses or does not answer.
    """
    found = gh.api("GET", f"repos/{repository}/rulesets?includes_parents=false&per_page=100")
    return {str(entry["name"]): int(entry["id"]) for entry in found}


def existing(repository: str, number: int | None) -> dict[str, Any] | None:
    """Return the ruleset of this id, None for none.

    Raises:
        BadArgument: there is no gh, or nobody is logged in.
        GithubFailed: GitHub refuses or does not answer.
    """
    return None if number is None else dict(gh.api("GET", f"repos/{repository}/rulesets/{number}"))


def change(repository: str, wanted: Ruleset, has: Mapping[str, Any] | None) -> Iterator[SettingChange]:
    """Yield the one request that makes the ruleset ``has`` (None: make it) hold what is ``wanted``, if it does not."""
    path, description = f"repos/{repository}/rulesets", has or {}
    rules = {rule["type"]: dict(rule.get("parameters") or {}) for rule in description.get("rules") or ()}
    merged = {**rules, **{kind: _merged(rules.get(kind), own) for kind, own in wanted.rules.items()}}
    body: dict[str, Any] = {
        "name": wanted.name,
        "target": wanted.target,
        "enforcement": "active",
        "conditions": {"ref_name": {"include": list(wanted.include), "exclude": []}},
        "bypass_actors": [
            {"actor_id": number, "actor_type": kind, "bypass_mode": mode}
            for kind, number, mode in wanted.bypass
        ],
        "rules": [{"type": kind, **({"parameters": own} if own else {})} for kind, own in merged.items()],
    }
    if has is None:
        yield SettingChange(f"made, with {', '.join(merged)}", "POST", path, body)
        return
    lines = list(
        differences({key: body[key] for key in ("target", "enforcement", "conditions")}, description)
    )
    lines += [f"rule {kind}: nothing → made" for kind in wanted.rules if kind not in rules]
    for kind in wanted.rules:
        if kind in rules:
            lines += differences(merged[kind], rules[kind], kind)
    actors = sorted(map(_actor, description.get("bypass_actors") or ()))
    if actors != sorted(map(_actor, body["bypass_actors"])):
        lines.append(f"bypass: {shown(actors)} → {shown(sorted(map(_actor, body['bypass_actors'])))}")
    if lines:
        yield SettingChange("; ".join(lines), "PUT", f"{path}/{description['id']}", body)


def without(repository: str, has: Mapping[str, Any], kind: str) -> SettingChange | None:
    """Return the request that takes a rule of this type out of a ruleset, None where it has none."""
    rules = [rule for rule in has["rules"] if rule["type"] != kind]
    if len(rules) == len(has["rules"]):
        return None
    path = f"repos/{repository}/rulesets/{has['id']}"
    return SettingChange(f"rule {kind}: there → nothing", "PUT", path, {"rules": rules})


def _merged(has: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a rule: ours, and beside them what it has."""
    merged = {**(has or {}), **wanted}
    key = "required_status_checks"
    if key in wanted:
        own = {check["context"] for check in wanted[key]}
        there = list((has or {}).get(key) or ())
        # In the order in which they stand there, for that is no difference.
        kept = [check for check in there if check["context"] not in own or check in wanted[key]]
        merged[key] = kept + [check for check in wanted[key] if check not in kept]
    return merged


def _actor(actor: Mapping[str, Any]) -> str:
    return f"{actor['actor_type']} {actor.get('actor_id')} {actor.get('bypass_mode', 'always')}"


# What may run in each, as (branch or tag, its name or pattern).
ENVIRONMENTS = {"release": {("branch", "main"), ("tag", "v*")}, "promotion": {("branch", "main")}}


def environment_changes(repository: str, name: str) -> Iterator[SettingChange]:
    """Yield the requests that make the environment ``name`` and let what ENVIRONMENTS says run in it, nothing else.

    Raises:
        BadArgument: there is no gh, or nobody is logged in.
        GithubFailed: GitHub refuses or does not answer.
    """
    path = f"repos/{repository}/environments/{name}"
    has = gh.find(path)
    policy = (has or {}).get("deployment_branch_policy") or {}
    custom = bool(policy.get("custom_branch_policies"))
    if not custom:
        text = "made" if has is None else "deployment branches: any or protected ones → named ones"
        body = {
            **_protection(has or {}),
            "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
        }
        yield SettingChange(text, "PUT", path, body)
    listed = gh.api("GET", f"{path}/deployment-branch-policies?per_page=100") if custom else {}
    policies = listed.get("branch_policies") or ()
    there = {(str(entry.get("type", "branch")), str(entry["name"])): entry["id"] for entry in policies}
    for kind, pattern in sorted(ENVIRONMENTS[name] - there.keys()):
        body = {"name": pattern, "type": kind}
        yield SettingChange(
            f"{kind} {pattern}: may not deploy → may", "POST", f"{path}/deployment-branch-policies", body
        )
    for kind, pattern in sorted(there.keys() - ENVIRONMENTS[name]):
        number = there[kind, pattern]
        yield SettingChange(
            f"{kind} {pattern}: may deploy → may not",
            "DELETE",
            f"{path}/deployment-branch-policies/{number}",
        )


def _protection(has: Mapping[str, Any]) -> dict[str, Any]:
    """Return who must approve and what is waited for, which a request without them would take away."""
    kept: dict[str, Any] = {}
    for rule in has.get("protection_rules") or ():
        if rule.get("type") == "wait_timer":
            kept["wait_timer"] = rule["wait_timer"]
        if rule.get("type") == "required_reviewers":
            kept["prevent_self_review"] = bool(rule.get("prevent_self_review"))
            kept["reviewers"] = [
                {"type": entry["type"], "id": entry["reviewer"]["id"]} for entry in rule["reviewers"]
            ]
    return kept
