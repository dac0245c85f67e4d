"""Proposing changes of the work tree: a branch with one commit, and its one pull request."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitops.command import Run, print_lines
from gitops.errors import BadArgument, GithubFailed
from gitops.git import git
from gitops.github import commit
from gitops.github.actions import write_outputs
from gitops.github.api import Api, GithubRefused, explain_refusal
from gitops.github.branch import NONE, Branch, Trees
from gitops.github.comment import read_body
from gitops.github.commit import Change, work_tree_change
from gitops.markdown import COMMENT_LIMIT, folded, listed, utf16_units

# Not shown by GitHub; the bot's word to a person who committed to its branch is found again by it.
_MARK = "<!-- seldon-mlflow-gitops proposal "
_VOID = "What this pull request proposed is no change any more: the default branch, or what it was made from, holds the same."


@dataclass(frozen=True)
class PullRequestResult:
    """What became of a proposal: ``result`` is one word of those below, ``number`` that of the pull request or 0.

    opened, updated, unchanged: the pull request is there and proposes it. kept: somebody else's commits are on the
    branch, which is left alone. declined: somebody closed the pull request of this very change. closed: it proposed
    nothing any more. nothing: there is nothing to propose.
    """

    result: str
    number: int
    message: str


def command(parser: argparse.ArgumentParser) -> Run:
    """Declare the command's arguments."""
    parser.add_argument(
        "--void",
        default="",
        metavar="close",
        help="close the branch's open pull request where nothing changed",
    )
    parser.add_argument(
        "branch", metavar="BRANCH", help="the bot's branch; what others committed to it stays"
    )
    parser.add_argument("title", metavar="TITLE", help="title of the commit and the pull request")
    parser.add_argument("body", type=Path, metavar="FILE", help="its text in Markdown")

    def run(arguments: argparse.Namespace, root: Path) -> int:
        result = pull_request(
            root, arguments.branch, arguments.title, arguments.body, os.environ, void=arguments.void
        )
        write_outputs(os.environ, result=result.result, number=str(result.number or ""))
        return print_lines([f"{result.result}: {result.message}"])

    return run


def pull_request(
    root: Path, branch: str, title: str, body: Path, environ: Mapping[str, str], *, void: str = ""
) -> PullRequestResult:
    """Propose what changed in the work tree ``root``: a commit of the branch ``branch`` and its pull request.

    The commit's parent is HEAD, which has to be in the default branch's history; it is made by GitHub's API. Nothing
    is pushed where the branch proposes the same already, and nothing that somebody else committed is replaced. HEAD,
    index and work tree stay as they are, and ``body``, the file that the text is in, stays out of the commit.

    Args:
        root: the work tree.
        branch: the bot's branch.
        title: of the commit and the pull request.
        body: the file with the pull request's text.
        environ: the variables of a workflow's step.
        void: ``close`` to close the branch's open pull request where nothing is left to propose, else nothing.

    Raises:
        BadArgument: an argument cannot be one, the file cannot be read, HEAD is not the default branch's, or a variable
            is missing.
        GithubFailed: git or GitHub refuses or does not answer, or the branch was moved meanwhile.
    """
    _check(root, branch, title, void)
    message = read_body(body)
    if utf16_units(message) > COMMENT_LIMIT:
        raise BadArgument(
            f"{body}: has {utf16_units(message)} characters: a pull request's text has up to {COMMENT_LIMIT}; make it by LIMIT=60000"
        )
    found = work_tree_change(root, body)
    if not found.after and not void:
        return PullRequestResult("nothing", 0, "nothing changed, so there is nothing to propose")
    with Api(environ) as api:
        proposal = _Proposal(api, environ, branch, title, message)
        return proposal.of(found) if found.after else proposal.of_nothing()


def _check(root: Path, branch: str, title: str, void: str) -> None:
    if not title.strip() or "\n" in title:
        raise BadArgument(f"TITLE {title!r}: must be one line that says what changes")
    if void not in ("", "close"):
        raise BadArgument(f"VOID {void!r}: must be close, or nothing")
    try:
        git(root, "check-ref-format", f"refs/heads/{branch}", fail=BadArgument)
    except BadArgument as error:
        raise BadArgument(
            f"BRANCH {branch!r}: must be the name of a branch, as in promote/aliases"
        ) from error
    if branch.startswith("-"):
        raise BadArgument(f"BRANCH {branch!r}: must be the name of a branch, as in promote/aliases")


class _Proposal:
    """The pull request of a branch, as it is on GitHub and as it shall be."""

    def __init__(self, api: Api, environ: Mapping[str, str], branch: str, title: str, body: str) -> None:
        self._api, self._environ, self._title, self._body = api, environ, title, body
        repository = api.get("")
        self._id, self._base = str(repository["node_id"]), str(repository["default_branch"])
        if branch == self._base:
            raise BadArgument(f"BRANCH {branch!r}: is the branch to merge into; name another")
        self._branch = Branch(api, branch, self._base)
        head = f"{api.repository.partition('/')[0]}:{branch}"
        pulls = api.all("/pulls", state="all", head=head, base=self._base)
        self._open = next((entry for entry in pulls if entry["state"] == "open"), None)
        # Of the commit that the branch is at now.
        self._ended = [
            entry for entry in pulls if entry["state"] != "open" and entry["head"]["sha"] == self._branch.tip
        ]

    def of(self, found: Change) -> PullRequestResult:
        """Propose a change."""
        _check_parent(self._api, self._base, found)
        if self._branch.proposes(found):
            if self._open is not None:
                return self._up_to_date(self._open)
            if self._ended and not any(entry["merged_at"] for entry in self._ended):
                number = self._ended[0]["number"]
                return PullRequestResult(
                    "declined",
                    number,
                    f"pull request {number} proposed the same and was closed, so it is not proposed again; open that one "
                    f"again, or delete the branch {self._branch.name}",
                )
            return self._opened()
        merged = any(entry["merged_at"] for entry in self._ended)
        if others := ([] if merged else self._branch.others()):
            return self._kept(found, others)
        self._branch.move(self._id, commit.create_commit(self._api, self._title, found))
        if self._open is None:
            return self._opened()
        self._describe(self._open)
        return self._done("updated", self._open, "is up to date")

    def of_nothing(self) -> PullRequestResult:
        """Close the pull request that proposes what is no change any more."""
        if self._open is None:
            return PullRequestResult(
                "nothing", 0, "nothing changed, and no pull request is open: there is nothing to do"
            )
        if others := self._branch.others():
            self._tell(
                self._open["number"],
                f"{_VOID} It stays open for the commits that are not the bot's: {listed(others)}. Merge it, or close "
                "it and delete the branch.",
                "void",
            )
            return self._done(
                "kept", self._open, f"proposes nothing now, but holds {', '.join(others)}: it stays open"
            )
        number = self._open["number"]
        self._api.send("POST", f"/issues/{number}/comments", body=_VOID)
        self._api.send("PATCH", f"/pulls/{number}", state="closed")
        self._branch.move(self._id, NONE)
        return self._done("closed", self._open, "is closed: what it proposed is no change any more")

    def _kept(self, found: Change, others: list[str]) -> PullRequestResult:
        name = self._branch.name
        if self._open is None:
            raise GithubFailed(
                f"branch {name}: holds commits that are not the bot's ({', '.join(others)}) and has no open pull request; "
                "open one for them or delete the branch, and run it again"
            )
        self._tell(
            self._open["number"],
            f"Commits that are not the bot's are on this branch, so it is left as it is: {listed(others)}. The bot would "
            f"now propose {listed([self._title])}, a change of {listed(found.after)}. To have that instead, close this "
            f"pull request and delete the branch {listed([name])}.",
            commit.fingerprint(self._title, found.after),
        )
        return self._done("kept", self._open, f"is left as it is: {name} holds {', '.join(others)}")

    def _tell(self, number: int, message: str, about: str) -> None:
        """Say it once, and again only where something else is to be said."""
        first = f"{_MARK}{about} -->\n"
        for entry in self._api.all(f"/issues/{number}/comments"):
            if str(entry["body"]).startswith(first):
                return
        whole = f"{first}{message}\n"
        more = "\n" + folded("What it would say", self._body) + "\n"
        whole += more if utf16_units(whole + more) <= COMMENT_LIMIT else ""
        self._api.send("POST", f"/issues/{number}/comments", body=whole)

    def _up_to_date(self, pull: dict[str, Any]) -> PullRequestResult:
        if self._describe(pull):
            return self._done("updated", pull, "is up to date: its text alone was changed")
        return self._done("unchanged", pull, "proposes the same already")

    def _describe(self, pull: dict[str, Any]) -> bool:
        """Write title and text where they differ; a browser's line ends do not count."""
        now = (pull["title"], str(pull["body"] or "").replace("\r\n", "\n").strip())
        if now == (self._title, self._body.strip()):
            return False
        self._api.send("PATCH", f"/pulls/{pull['number']}", title=self._title, body=self._body)
        return True

    def _opened(self) -> PullRequestResult:
        try:
            made = self._api.send(
                "POST",
                "/pulls",
                title=self._title,
                body=self._body,
                head=self._branch.name,
                base=self._base,
            )
        except GithubRefused as refused:
            raise explain_refusal(refused, self._api.repository, self._environ) from refused
        return self._done("opened", made, "is open")

    def _done(self, result: str, pull: dict[str, Any], message: str) -> PullRequestResult:
        return PullRequestResult(result, int(pull["number"]), f"pull request {pull['number']} {message}")


def _check_parent(api: Api, base: str, found: Change) -> None:
    """See that the commit's parent is the default branch's, and that what changes is on its tip as it is there."""
    tip = api.get(f"/commits/{base}")
    if tip["sha"] == found.parent:
        return
    compared = api.find(f"/compare/{tip['sha']}...{found.parent}")
    if compared is None or compared["status"] not in ("behind", "identical"):
        raise BadArgument(
            f"HEAD {found.parent[:7]}: is not in the history of {base}, so a pull request would bring more than what "
            f"changed here; check {base} out, and change it there"
        )
    files = Trees(api).files(tip["commit"]["tree"]["sha"])
    moved = [path for path, entry in found.before.items() if files.get(path) != entry]
    if moved:
        raise GithubFailed(
            f"{', '.join(moved[:3])}: changed on {base} since HEAD {found.parent[:7]} was checked out, so the pull request "
            "would conflict; run it again on the newest commit"
        )
