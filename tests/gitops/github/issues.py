"""The issues of the stand-in for GitHub, and the comments at issues and pull requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.gitops.github.answer import Answer, Refused, invalid

if TYPE_CHECKING:
    from tests.gitops.github.github import Github, Token

Query = Mapping[str, list[str]]


def _find(github: Github, number: str) -> dict[str, Any]:
    """To GitHub each pull request is an issue too."""
    for entry in [*github.issues, *github.pulls]:
        if entry["number"] == int(number):
            return entry
    raise Refused(404, "Not Found")


def _user(token: Token) -> dict[str, str]:
    return {"login": token.name, "type": "User" if token.kind == "person" else "Bot"}


def comments(github: Github, _: Token, match: re.Match[str], __: Query, ___: Any) -> Answer:
    _find(github, match[1])
    return Answer(200, [entry for entry in github.comments if entry["issue"] == int(match[1])])


def comment(github: Github, token: Token, match: re.Match[str], _: Query, body: Any) -> Answer:
    _find(github, match[1])
    if len(body["body"].encode("utf-16-le")) // 2 > 65_536:
        raise invalid("IssueComment", "body is too long (maximum is 65536 characters)")
    number = 101 + len(github.comments)
    entry = {"id": number, "issue": int(match[1]), "user": _user(token), "body": body["body"]}
    github.comments.append(entry)
    return Answer(201, entry)


def change_comment(github: Github, _: Token, match: re.Match[str], __: Query, body: Any) -> Answer:
    for entry in github.comments:
        if entry["id"] == int(match[1]):
            entry["body"] = body["body"]
            return Answer(200, entry)
    raise Refused(404, "Not Found")


def listed(github: Github, _: Token, __: Any, query: Query, ___: Any) -> Answer:
    """Return the newest first; without ``state`` those that are open."""
    state = query.get("state", ["open"])[0]
    wanted = {name for name in query.get("labels", [""])[0].split(",") if name}
    found = [
        entry
        for entry in [*reversed(github.issues)]
        if state in ("all", entry["state"]) and wanted <= {label["name"] for label in entry["labels"]}
    ]
    return Answer(200, found)


def create(github: Github, token: Token, _: Any, __: Query, body: Any) -> Answer:
    entry = {
        "number": github.number(),
        "title": body["title"],
        "body": body.get("body"),
        "state": "open",
        "user": _user(token),
        "labels": [{"name": name} for name in body.get("labels", [])],
        "html_url": f"{github.url}/{github.repository}/issues/{github.number()}",
    }
    github.issues.append(entry)
    return Answer(201, entry)


def one(github: Github, _: Token, match: re.Match[str], __: Query, ___: Any) -> Answer:
    return Answer(200, _find(github, match[1]))


def change(github: Github, _: Token, match: re.Match[str], __: Query, body: Any) -> Answer:
    entry = _find(github, match[1])
    entry.update({key: body[key] for key in ("title", "body", "state") if key in body})
    if "labels" in body:
        entry["labels"] = [{"name": name} for name in body["labels"]]
    return Answer(200, entry)


def add_labels(github: Github, _: Token, match: re.Match[str], __: Query, body: Any) -> Answer:
    entry = _find(github, match[1])
    known = {label["name"] for label in entry["labels"]}
    entry["labels"] += [{"name": name} for name in body["labels"] if name not in known]
    return Answer(200, entry["labels"])


def make_label(github: Github, _: Token, __: Any, ___: Query, body: Any) -> Answer:
    if any(entry["name"] == body["name"] for entry in github.labels):
        raise Refused(
            422, "Validation Failed", [{"resource": "Label", "code": "already_exists", "field": "name"}]
        )
    github.labels.append(dict(body))
    return Answer(201, github.labels[-1])
