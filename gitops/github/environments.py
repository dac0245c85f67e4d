"""The environments of workflows: which branches and tags may run in one, and so read its secrets.

https://docs.github.com/en/rest/deployments/environments and https://docs.github.com/en/rest/deployments/branch-policies
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops.github import gh
from gitops.github.setting import Change

# What may run in each, as (branch or tag, its name or pattern).
ENVIRONMENTS = {"release": {("branch", "main"), ("tag", "v*")}, "promotion": {("branch", "main")}}


def changes(repository: str, name: str) -> Iterator[Change]:
    """Yield the requests that make the environment ``name`` and let what ENVIRONMENTS says run in it, nothing else.

    Raises:
        BadArgument: there is no gh, or nobody is logged in.
        GithubFailed: GitHub refuses or does not answer.
    """
    path = f"repos/{repository}/environments/{name}"
    has = gh.found(path)
    policy = (has or {}).get("deployment_branch_policy") or {}
    custom = bool(policy.get("custom_branch_policies"))
    if not custom:
        text = "made" if has is None else "deployment branches: any or protected ones → named ones"
        body = {
            **_protection(has or {}),
            "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
        }
        yield Change(text, "PUT", path, body)
    listed = gh.api("GET", f"{path}/deployment-branch-policies?per_page=100") if custom else {}
    policies = listed.get("branch_policies") or ()
    there = {(str(entry.get("type", "branch")), str(entry["name"])): entry["id"] for entry in policies}
    for kind, pattern in sorted(ENVIRONMENTS[name] - there.keys()):
        body = {"name": pattern, "type": kind}
        yield Change(
            f"{kind} {pattern}: may not deploy → may", "POST", f"{path}/deployment-branch-policies", body
        )
    for kind, pattern in sorted(there.keys() - ENVIRONMENTS[name]):
        number = there[kind, pattern]
        yield Change(
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
