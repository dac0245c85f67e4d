"""The REST interface of the stand-in for GitHub: each route with the permission that it needs."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.gitops.github import issues, pulls
from tests.gitops.github.answer import Answer, Refused, invalid
from tests.gitops.github.bare import ZERO
from tests.gitops.github.graphql import node_id

if TYPE_CHECKING:
    from tests.gitops.github.github import Github, Token

Query = Mapping[str, list[str]]
_NOT_ACCESSIBLE = {"person": "Resource not accessible by personal access token"}


def rest(github: Github, token: Token, method: str, path: str, query: Query, body: Any) -> Answer:
    """Answer a request below /repos/owner/name.

    Raises:
        Refused: the route is not there, the token may not, or what is asked for cannot be.
    """
    prefix = f"/repos/{github.repository}"
    below = path[len(prefix) :]
    # Of owner and name capitals do not count.
    if path[: len(prefix)].lower() != prefix.lower() or not (below == "" or below.startswith("/")):
        raise Refused(404, "Not Found")
    for verb, pattern, needs, handler in _ROUTES:
        match = re.fullmatch(pattern, below)
        if verb != method or match is None:
            continue
        if not any(token.may(*need) for need in needs):
            raise Refused(403, _NOT_ACCESSIBLE.get(token.kind, "Resource not accessible by integration"))
        try:
            answer = handler(github, token, match, query, body if body is not None else {})
        except KeyError as error:
            status = 404 if method == "GET" else 422
            raise Refused(status, "Not Found" if method == "GET" else f"Invalid request: {error}") from error
        return _page(github, answer, query) if isinstance(answer.content, list) else answer
    raise Refused(404, "Not Found")


def _page(github: Github, answer: Answer, query: Query) -> Answer:
    size = min(int(query.get("per_page", ["30"])[0]), github.page)
    number = int(query.get("page", ["1"])[0])
    first = size * (number - 1)
    more = first + size < len(answer.content)
    return Answer(answer.status, answer.content[first : first + size], number + 1 if more else None)


def _repository(github: Github, *_: Any) -> Answer:
    owner, name = github.repository.split("/")
    content = {
        "node_id": node_id(github),
        "name": name,
        "full_name": github.repository,
        "owner": {"login": owner, "type": "Organization"},
        "private": github.private,
        "visibility": "private" if github.private else "public",
        "default_branch": github.default_branch,
        "html_url": f"{github.url}/{github.repository}",
    }
    return Answer(200, content)


def _commit(github: Github, sha: str) -> dict[str, Any]:
    found = github.bare.commit(sha)
    signed = found["sha"] in github.verified
    return {**found, "verification": {"verified": signed, "reason": "valid" if signed else "unsigned"}}


def _listed(github: Github, sha: str) -> dict[str, Any]:
    """The form of a commit in lists and comparisons."""
    found = _commit(github, sha)
    about = {key: found[key] for key in ("message", "tree", "author", "committer", "verification")}
    logins = {
        side: {"login": found[side]["name"]} if "noreply" in found[side]["email"] else None
        for side in ("author", "committer")
    }
    return {"sha": found["sha"], "parents": found["parents"], "commit": about, **logins}


def _make_blob(github: Github, _: Token, __: Any, ___: Query, body: Any) -> Answer:
    try:
        content = (
            base64.b64decode(body["content"], validate=True)
            if body.get("encoding") == "base64"
            else body["content"].encode()
        )
    except binascii.Error as error:
        raise invalid("Blob", "content is not valid Base64") from error
    sha = github.bare.blob(content)
    return Answer(201, {"sha": sha, "url": f"{github.url}/repos/{github.repository}/git/blobs/{sha}"})


def _make_tree(github: Github, _: Token, __: Any, ___: Query, body: Any) -> Answer:
    sha = github.bare.make_tree(body["tree"], body.get("base_tree"))
    return Answer(201, github.bare.tree(sha, recursive=False))


def _make_commit(github: Github, token: Token, _: Any, __: Query, body: Any) -> Answer:
    owner = {"name": token.name, "email": token.email}
    author = body.get("author") or owner
    who = {"author": author, "committer": body.get("committer") or author}
    sha = github.bare.make_commit(body["message"], body["tree"], body.get("parents", []), who)
    # https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots
    if token.kind != "person" and "author" not in body and "committer" not in body:
        github.verified.add(sha)
    return Answer(201, _commit(github, sha))


def _ref(github: Github, name: str) -> dict[str, Any]:
    sha = github.bare.refs()[name]
    return {"ref": name, "object": {"type": "commit", "sha": sha}}


def _free(github: Github, name: str) -> None:
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in github.protected):
        raise Refused(422, "Repository rule violations found\n\nCannot update this protected ref.\n")


def _make_ref(github: Github, _: Token, __: Any, ___: Query, body: Any) -> Answer:
    _free(github, body["ref"])
    if body["ref"] in github.bare.refs():
        raise Refused(422, "Reference already exists")
    github.bare.update([(body["ref"], github.bare.sha(body["sha"]), ZERO, False)])
    return Answer(201, _ref(github, body["ref"]))


def _set_ref(github: Github, _: Token, match: re.Match[str], __: Query, body: Any) -> Answer:
    name = f"refs/{match[1]}"
    _free(github, name)
    if name not in github.bare.refs():
        raise Refused(422, "Reference does not exist")
    try:
        github.bare.update([(name, github.bare.sha(body["sha"]), None, bool(body.get("force")))])
    except ValueError as error:
        raise Refused(422, str(error)) from error
    return Answer(200, _ref(github, name))


def _delete_ref(github: Github, _: Token, match: re.Match[str], __: Query, ___: Any) -> Answer:
    name = f"refs/{match[1]}"
    _free(github, name)
    if name not in github.bare.refs():
        raise Refused(422, "Reference does not exist")
    github.bare.update([(name, ZERO, None, True)])
    return Answer(204)


def _compare(github: Github, _: Token, match: re.Match[str], __: Query, ___: Any) -> Answer:
    base, head = github.bare.sha(match[1]), github.bare.sha(match[2])
    ahead, behind = github.bare.between(base, head), github.bare.between(head, base)
    fork = github.bare.merge_base(base, head)
    status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
    content = {
        "status": status.get((bool(ahead), bool(behind)), "diverged"),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "merge_base_commit": _listed(github, fork),
        "commits": [_listed(github, sha) for sha in ahead[:250]],
        "files": github.bare.changed(fork, head)[:300],
    }
    return Answer(200, content)


def _commits(github: Github, _: Token, __: Any, query: Query, ___: Any) -> Answer:
    start = github.bare.sha(query.get("sha", [github.default_branch])[0])
    found = github.bare.git("rev-list", start).split()
    return Answer(200, [_listed(github, sha) for sha in found])


def _check_runs(github: Github, _: Token, match: re.Match[str], query: Query, __: Any) -> Answer:
    found = github.check_runs.get(github.bare.sha(match[1]), [])
    found = [entry for entry in found if query.get("check_name", [entry.get("name")])[0] == entry.get("name")]
    return Answer(200, {"total_count": len(found), "check_runs": found})


def _workflow_runs(github: Github, _: Token, __: Any, query: Query, ___: Any) -> Answer:
    suite = query.get("check_suite_id", [""])[0]
    found = [entry for entry in github.workflow_runs if suite in ("", str(entry["check_suite_id"]))]
    return Answer(200, {"total_count": len(found), "workflow_runs": found})


def _pulls_of_commit(github: Github, _: Token, match: re.Match[str], __: Query, ___: Any) -> Answer:
    """The pull requests whose merge brought a commit, by the commits of their heads here."""
    sha = github.bare.sha(match[1])
    parents = github.bare.commit(sha)["parents"][1:]
    heads = {sha, *(parent["sha"] for parent in parents)}
    return Answer(200, [entry for entry in github.pulls if entry["head"]["sha"] in heads])


def _workflow_permissions(github: Github, _: Token, __: Any, ___: Query, body: Any) -> Answer:
    if body:
        github.workflow_permissions.update(body)
        return Answer(204)
    return Answer(200, github.workflow_permissions)


def _pull(github: Github, _: Token, match: re.Match[str], __: Query, body: Any) -> Answer:
    return Answer(200, pulls.change(github, int(match[1]), body))


_Handler = Callable[["Github", "Token", Any, Query, Any], Answer]
_READ, _WRITE = (("contents", "read"),), (("contents", "write"),)
_SEES, _PROPOSES = (("pull-requests", "read"),), (("pull-requests", "write"),)
_ANY = (("issues", "read"), ("pull-requests", "read"))
_WRITES = (("issues", "write"), ("pull-requests", "write"))
# No job can have it: https://docs.github.com/en/rest/actions/permissions
_ADMINISTERS = (("administration", "read"),)
_BRANCH = "/git/refs/((?:heads|tags)/.+)"
_ROUTES: tuple[tuple[str, str, tuple[tuple[str, str], ...], _Handler], ...] = (
    ("GET", "", (("metadata", "read"),), _repository),
    ("GET", "/git/blobs/([0-9a-f]{40})", _READ, lambda g, t, m, q, b: Answer(200, g.bare.blob_as_json(m[1]))),
    (
        "GET",
        "/git/trees/(.+)",
        _READ,
        lambda g, t, m, q, b: Answer(200, g.bare.tree(m[1], recursive="recursive" in q)),
    ),
    ("GET", "/git/commits/([0-9a-f]{40})", _READ, lambda g, t, m, q, b: Answer(200, _commit(g, m[1]))),
    ("GET", "/git/ref/(.+)", _READ, lambda g, t, m, q, b: Answer(200, _ref(g, f"refs/{m[1]}"))),
    (
        "GET",
        "/git/matching-refs/(.+)",
        _READ,
        lambda g, t, m, q, b: Answer(
            200, [_ref(g, name) for name in g.bare.refs() if name.startswith(f"refs/{m[1]}")]
        ),
    ),
    ("POST", "/git/blobs", _WRITE, _make_blob),
    ("POST", "/git/trees", _WRITE, _make_tree),
    ("POST", "/git/commits", _WRITE, _make_commit),
    ("POST", "/git/refs", _WRITE, _make_ref),
    ("PATCH", _BRANCH, _WRITE, _set_ref),
    ("DELETE", _BRANCH, _WRITE, _delete_ref),
    ("GET", r"/compare/(.+)\.\.\.(.+)", _READ, _compare),
    ("GET", "/commits", _READ, _commits),
    ("GET", "/commits/(.+)/check-runs", (("checks", "read"),), _check_runs),
    ("GET", "/commits/(.+)/pulls", _SEES, _pulls_of_commit),
    ("GET", "/commits/(.+)", _READ, lambda g, t, m, q, b: Answer(200, _listed(g, g.bare.sha(m[1])))),
    ("GET", "/pulls", _SEES, lambda g, t, m, q, b: Answer(200, pulls.listed(g, q))),
    ("POST", "/pulls", _PROPOSES, lambda g, t, m, q, b: Answer(201, pulls.create(g, t, b))),
    ("GET", r"/pulls/(\d+)", _SEES, lambda g, t, m, q, b: Answer(200, pulls.change(g, int(m[1]), {}))),
    ("PATCH", r"/pulls/(\d+)", _PROPOSES, _pull),
    ("GET", r"/issues/(\d+)/comments", _ANY, issues.comments),
    ("POST", r"/issues/(\d+)/comments", _WRITES, issues.comment),
    ("PATCH", r"/issues/comments/(\d+)", _WRITES, issues.change_comment),
    ("GET", "/issues", _ANY, issues.listed),
    ("POST", "/issues", (("issues", "write"),), issues.create),
    ("GET", r"/issues/(\d+)", _ANY, issues.one),
    ("PATCH", r"/issues/(\d+)", _WRITES, issues.change),
    ("POST", r"/issues/(\d+)/labels", _WRITES, issues.add_labels),
    ("GET", "/labels", (("issues", "read"),), lambda g, t, m, q, b: Answer(200, g.labels)),
    ("POST", "/labels", (("issues", "write"),), issues.make_label),
    ("GET", "/actions/permissions/workflow", _ADMINISTERS, _workflow_permissions),
    ("GET", "/actions/runs", (("actions", "read"),), _workflow_runs),
    ("PUT", "/actions/permissions/workflow", (("administration", "write"),), _workflow_permissions),
)
