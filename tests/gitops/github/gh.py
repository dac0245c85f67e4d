"""A stand-in for the command gh: GitHub's settings of one repository, kept in the JSON file of GH_STATE.

It enforces what GitHub does: a ruleset's PUT changes the fields that are given, an environment's takes away protection
that is not, policies are of environments with named branches, and what a plan lacks is refused.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

REPOSITORY = "acme/models"
UPGRADE = "Upgrade to GitHub Pro or make this repository public to enable this feature."


def fresh(kind: str = "Organization", *, private: bool = False) -> dict[str, Any]:
    """A repository as GitHub makes it."""
    return {
        "repository": {
            "full_name": REPOSITORY,
            "owner": {"login": "acme", "type": kind},
            "private": private,
            "delete_branch_on_merge": False,
        },
        "permissions": {"enabled": True, "allowed_actions": "all"},
        "workflows": [],
        "workflow": {"default_workflow_permissions": "write", "can_approve_pull_request_reviews": False},
        "rulesets": [],
        "foreign": [],
        "environments": {},
        "policies": {},
        "variables": {},
        "package": None,
        # Paths, as regular expressions, to the status and message that they are refused with.
        "refused": {},
        "writes": [],
    }


class Refusal(Exception):
    pass


def answer(state: dict[str, Any], method: str, path: str, body: Any) -> Any:
    path = path.partition("?")[0]
    for pattern, (status, message) in state["refused"].items():
        if re.fullmatch(pattern, f"{method} {path}"):
            raise Refusal(status, message)
    if method != "GET":
        state["writes"].append(f"{method} {path}")
    if path == f"orgs/acme/packages/container/{(state['package'] or {}).get('name')}":
        return state["package"]
    match method, path.removeprefix(f"repos/{REPOSITORY}").strip("/").split("/"):
        case "GET", [""]:
            return state["repository"]
        case "PATCH", [""]:
            return state["repository"].update(body) or state["repository"]
        case "GET", ["actions", "permissions"]:
            return state["permissions"]
        case "GET", ["actions", "workflows"]:
            return {"total_count": len(state["workflows"]), "workflows": state["workflows"]}
        case "GET", ["actions", "permissions", "workflow"]:
            return state["workflow"]
        case "PUT", ["actions", "permissions", "workflow"]:
            return state["workflow"].update(body)
        case "GET", ["actions", "variables", name] if name in state["variables"]:
            return {"name": name, "value": state["variables"][name]}
        case "GET", ["rulesets"]:
            return [{"id": entry["id"], "name": entry["name"]} for entry in state["rulesets"]]
        case "POST", ["rulesets"]:
            used = {entry["id"] for entry in state["rulesets"]}
            state["rulesets"].append({"id": max(used, default=40) + 2, **body, "source": REPOSITORY})
            return state["rulesets"][-1]
        case method, ["rulesets", number] if method in ("GET", "PUT", "DELETE"):
            entry = next(entry for entry in state["rulesets"] if entry["id"] == int(number))
            if method == "DELETE":
                return state["rulesets"].remove(entry)
            return entry.update(body or {}) or entry
        case "GET", ["rules", "branches", "release%2Fimage"]:
            own = [
                {"type": rule["type"], "ruleset_id": entry["id"], "ruleset_source": REPOSITORY}
                for entry in state["rulesets"]
                if "refs/heads/release/**" in entry["conditions"]["ref_name"]["include"]
                for rule in entry["rules"]
            ]
            return own + state["foreign"]
        case "GET", ["environments", name] if name in state["environments"]:
            return state["environments"][name]
        case "PUT", ["environments", name]:
            rules = [{"type": "branch_policy"}]
            if "wait_timer" in body:
                rules.append({"type": "wait_timer", "wait_timer": body["wait_timer"]})
            if "reviewers" in body:
                reviewers = [
                    {"type": entry["type"], "reviewer": {"id": entry["id"]}} for entry in body["reviewers"]
                ]
                self_review = {"prevent_self_review": body["prevent_self_review"]}
                rules.append({"type": "required_reviewers", "reviewers": reviewers, **self_review})
            made = {"name": name, "deployment_branch_policy": body["deployment_branch_policy"]}
            state["environments"][name] = {**made, "protection_rules": rules}
            return state["environments"][name]
        case method, ["environments", name, "deployment-branch-policies", *rest]:
            policy = state["environments"][name]["deployment_branch_policy"] or {}
            if not policy.get("custom_branch_policies"):
                raise Refusal(404, "Not Found")
            policies = state["policies"].setdefault(name, [])
            if method == "GET":
                return {"total_count": len(policies), "branch_policies": policies}
            if method == "POST":
                policies.append({"id": 100 + len(state["writes"]), **body})
                return policies[-1]
            return policies.remove(next(entry for entry in policies if entry["id"] == int(rest[0])))
    raise Refusal(404, "Not Found")


def main(arguments: list[str]) -> int:
    file = Path(os.environ["GH_STATE"])
    state = json.loads(file.read_text())
    if arguments[:2] == ["repo", "view"]:
        sys.stdout.write(f"{REPOSITORY}\n")
        return 0
    assert arguments[:2] == ["api", "--method"], arguments
    assert "--header" in arguments
    path = next(word for word in arguments[5:] if not word.startswith("-"))
    body = json.loads(sys.stdin.read()) if "--input" in arguments else None
    try:
        found = answer(state, arguments[2], path, body)
    except Refusal as refusal:
        status, message = refusal.args
        sys.stdout.write(json.dumps({"message": message, "status": str(status)}))
        sys.stderr.write(f"gh: {message} (HTTP {status})\n")
        return 1
    file.write_text(json.dumps(state))
    sys.stdout.write("" if found is None else json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
