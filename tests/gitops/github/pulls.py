"""The pull requests of the stand-in for GitHub: how they are made, and what becomes of them as branches move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.gitops.github.answer import Refused, invalid

if TYPE_CHECKING:
    from tests.gitops.github.github import Github, Token

NOT_PERMITTED = "GitHub Actions is not permitted to create or approve pull requests."


def settle(github: Github) -> None:
    """Close each pull request whose branch is gone or has no commit of its own, and merge what its base holds by now."""
    heads = github.bare.refs("refs/heads/")
    for pull in github.pulls:
        if pull["state"] != "open":
            continue
        head, base = (heads.get(f"refs/heads/{pull[side]['ref']}") for side in ("head", "base"))
        if head is None or base is None:
            pull["state"] = "closed"
            continue
        grown = head != pull["head"]["sha"]
        pull["head"]["sha"], pull["base"]["sha"] = head, base
        if github.bare.contains(head, base):
            pull["state"] = "closed"
            # A branch that was put on its base was not merged, it was emptied.
            if not grown:
                pull["merged"], pull["merged_at"] = True, "2026-01-01T00:00:00Z"


def create(github: Github, token: Token, body: Mapping[str, Any]) -> dict[str, Any]:
    if token.kind == "job" and not github.workflow_permissions["can_approve_pull_request_reviews"]:
        raise Refused(403, NOT_PERMITTED)
    owner = github.repository.partition("/")[0]
    name = str(body["head"]).removeprefix(f"{owner}:")
    heads = github.bare.refs("refs/heads/")
    for side, branch in (("head", name), ("base", body["base"])):
        if f"refs/heads/{branch}" not in heads:
            raise Refused(
                422, "Validation Failed", [{"resource": "PullRequest", "field": side, "code": "invalid"}]
            )
    head, base = heads[f"refs/heads/{name}"], heads[f"refs/heads/{body['base']}"]
    if github.bare.contains(head, base):
        raise invalid("PullRequest", f"No commits between {body['base']} and {name}")
    if any(
        entry["state"] == "open" and (entry["head"]["ref"], entry["base"]["ref"]) == (name, body["base"])
        for entry in github.pulls
    ):
        raise invalid("PullRequest", f"A pull request already exists for {owner}:{name}.")
    number = github.number()
    pull = {
        "number": number,
        "node_id": f"PR_{number}",
        "html_url": f"{github.url}/{github.repository}/pull/{number}",
        "title": body["title"],
        "body": body.get("body"),
        "state": "open",
        "draft": bool(body.get("draft")),
        "merged": False,
        "merged_at": None,
        "user": {"login": token.name, "type": "User" if token.kind == "person" else "Bot"},
        "labels": [],
        "head": {
            "ref": name,
            "sha": head,
            "label": f"{owner}:{name}",
            "repo": {"full_name": github.repository},
        },
        "base": {
            "ref": body["base"],
            "sha": base,
            "label": f"{owner}:{body['base']}",
            "repo": {"full_name": github.repository},
        },
    }
    github.pulls.append(pull)
    return pull


def listed(github: Github, query: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Return the newest first, as GitHub does; without ``state`` those that are open."""
    state = query.get("state", ["open"])[0]
    return [
        entry
        for entry in reversed(github.pulls)
        if state in ("all", entry["state"])
        and query.get("head", [entry["head"]["label"]])[0] == entry["head"]["label"]
        and query.get("base", [entry["base"]["ref"]])[0] == entry["base"]["ref"]
    ]


def change(github: Github, number: int, body: Mapping[str, Any]) -> dict[str, Any]:
    pull = next((entry for entry in github.pulls if entry["number"] == number), None)
    if pull is None:
        raise Refused(404, "Not Found")
    if body.get("state") == "open" and pull["state"] == "closed":
        heads = github.bare.refs("refs/heads/")
        if pull["merged"] or f"refs/heads/{pull['head']['ref']}" not in heads:
            raise invalid(
                "PullRequest", f"state cannot be changed. The {pull['head']['ref']} branch is gone."
            )
    pull.update({key: value for key, value in body.items() if key in ("title", "body", "state")})
    return pull
