"""The GraphQL interface of the stand-in for GitHub: the repository's id, whose a token is, and the change of references."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

from tests.gitops.github.answer import Answer

if TYPE_CHECKING:
    from tests.gitops.github.github import Github, Token


def graphql(github: Github, token: Token, body: dict[str, Any]) -> Answer:
    """Answer a query or a mutation; as GitHub's, a refusal has the status 200 and a list of errors."""
    query, variables = body["query"], body.get("variables") or {}
    if "updateRefs" in query:
        return _update_refs(github, token, variables.get("input") or variables)
    if "viewer" in query:
        return Answer(200, {"data": {"viewer": {"login": token.name}}})
    if "repository(" in query and "mutation" not in query:
        return Answer(200, {"data": {"repository": {"id": node_id(github)}}})
    return _errors(
        f"Field {query.split('{')[1].split('(')[0].strip()!r} doesn't exist", kind="undefinedField"
    )


def node_id(github: Github) -> str:
    return f"R_{github.repository}"


def _update_refs(github: Github, token: Token, given: dict[str, Any]) -> Answer:
    """https://docs.github.com/en/graphql/reference/mutations#updaterefs"""
    if not token.may("contents", "write"):
        return _errors("Resource not accessible by integration", kind="FORBIDDEN")
    if given["repositoryId"] != node_id(github):
        return _errors("Could not resolve to a node with the global id", kind="NOT_FOUND")
    updates = [
        (entry["name"], entry["afterOid"], entry.get("beforeOid"), bool(entry.get("force")))
        for entry in given["refUpdates"]
    ]
    for name, *_ in updates:
        if not name.startswith("refs/"):
            return _errors(f"{name} is not a qualified ref name", kind="UNPROCESSABLE")
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in github.protected):
            return _errors(f"Repository rule violations found\n\nCannot update {name}", kind="UNPROCESSABLE")
    try:
        github.bare.update(updates)
    except (ValueError, KeyError):
        # GitHub does not say which, nor that a reference was elsewhere: https://github.com/orgs/community/discussions/213655
        return _errors("Something went wrong while executing your query.", kind=None)
    return Answer(200, {"data": {"updateRefs": {"clientMutationId": given.get("clientMutationId")}}})


def _errors(message: str, *, kind: str | None) -> Answer:
    entry = {"message": message} | ({"type": kind} if kind else {})
    return Answer(200, {"data": None, "errors": [entry]})
