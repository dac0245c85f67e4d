"""The one pull request of a branch."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops import __main__ as command
from gitops.errors import BadArgument, GithubFailed
from gitops.github.pull_request import PullRequestResult, pull_request
from tests.gitops.github.github import Github

BRANCH = "promote/aliases"
# What the workflow gives the job that proposes.
PERMISSIONS = {"contents": "write", "pull-requests": "write"}


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    done = subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)
    return done.stdout.decode(errors="surrogateescape").strip()


@dataclass
class Bot:
    """A checkout of the default branch as a workflow has it, and the token of its job."""

    root: Path
    github: Github
    token: str

    def propose(self, title: str = "Promote", branch: str = BRANCH, void: str = "") -> PullRequestResult:
        environ = self.github.environ(self.token)
        return pull_request(self.root, branch, title, self.root / "body.md", environ, void=void)

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.root / name).write_text(text)

    def again(self) -> None:
        """What the next run finds: a new checkout of the default branch."""
        git(self.root, "fetch", "--quiet", str(self.github.git), "main")
        git(self.root, "reset", "--quiet", "--hard", "FETCH_HEAD")
        git(self.root, "clean", "--quiet", "-d", "--force", "--exclude=body.md")

    def commit(self, branch: str, message: str, *options: str, **texts: str) -> str:
        """What a person pushes to a branch."""
        folder = self.root.parent / "person"
        git(self.root.parent, "clone", "--quiet", "--branch", branch, str(self.github.git), str(folder))
        for name, text in texts.items():
            (folder / name).write_text(text)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", *options, "-m", message)
        git(folder, "push", "--quiet", "--force", "origin", branch)
        commit = git(folder, "rev-parse", "HEAD")
        subprocess.run(["rm", "-rf", folder], check=True)
        return commit

    def pushed(self, *arguments: str) -> str:
        return git(self.github.git, *arguments)

    def writes(self) -> list[str]:
        """The requests that change something, since the last time."""
        found = [f"{call.method} {call.path}" for call in self.github.calls if call.method != "GET"]
        self.github.calls.clear()
        return found


@pytest.fixture
def bot(tmp_path: Path, github: Github) -> Bot:
    root = tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(root))
    found = Bot(root, github, github.token(PERMISSIONS))
    found.write(**{".gitignore": "/ignored\n/body.md\n", "changed": "before\n", "gone": "", "other": "a\n"})
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "first")
    git(root, "push", "--quiet", str(github.git), "main")
    found.write(changed="after\n", ignored="", **{"body.md": "why\n"})
    return found


def test_what_changed_is_proposed_and_then_updated(bot: Bot) -> None:
    bot.write(new="after\n", ignored="more\n")
    before = (
        git(bot.root, "status", "--porcelain"),
        git(bot.root, "rev-parse", "HEAD", "--abbrev-ref", "HEAD"),
    )
    assert bot.propose() == PullRequestResult("opened", 1, "pull request 1 is open")
    (pull,) = bot.github.pulls
    assert (pull["title"], pull["body"], pull["head"]["ref"], pull["base"]["ref"]) == (
        "Promote",
        "why\n",
        BRANCH,
        "main",
    )
    assert bot.pushed("diff", "--name-status", "main", BRANCH).split() == ["M", "changed", "A", "new"]
    assert bot.pushed("log", "--format=%an %s", f"main..{BRANCH}") == "github-actions[bot] Promote"
    assert bot.pushed("rev-parse", BRANCH) in bot.github.verified
    after = (
        git(bot.root, "status", "--porcelain"),
        git(bot.root, "rev-parse", "HEAD", "--abbrev-ref", "HEAD"),
    )
    assert after == before

    bot.write(changed="later\n", **{"body.md": "more\n"})
    assert bot.propose("Promote more") == PullRequestResult("updated", 1, "pull request 1 is up to date")
    assert [(entry["title"], entry["body"]) for entry in bot.github.pulls] == [("Promote more", "more\n")]
    assert bot.pushed("show", f"{BRANCH}:changed") == "later"
    assert bot.pushed("rev-list", "--count", f"main..{BRANCH}") == "1"


def test_whatever_git_can_hold_is_proposed_as_it_is(bot: Bot) -> None:
    (bot.root / "gone").unlink()
    (bot.root / "changed").unlink()
    (bot.root / "changed").mkdir()
    contents = {
        "changed/below": b"x",
        "binary": bytes(range(256)),
        "latin": "Gödel".encode("latin-1"),
        "nul": b"a\0b",
        "no-end": "ä ⏎ \r\n".encode(),
        "Über raum#%.txt": b"",
        "large": b"a" * 600_000,
    }
    for name, content in contents.items():
        (bot.root / name).write_bytes(content)
    (bot.root / "run").write_text("#!/bin/sh\n")
    (bot.root / "run").chmod(0o755)
    (bot.root / "link").symlink_to("other")
    assert bot.propose().result == "opened"
    git(bot.root, "add", "--all")
    assert bot.pushed("rev-parse", f"{BRANCH}^{{tree}}") == git(bot.root, "write-tree")
    listed = bot.pushed("ls-tree", "-r", BRANCH, "run", "link").splitlines()
    assert [line.split()[0] for line in listed] == ["120000", "100755"]


def test_what_is_proposed_already_is_not_pushed_again(bot: Bot) -> None:
    bot.propose()
    commit = bot.pushed("rev-parse", BRANCH)
    bot.writes()
    assert bot.propose() == PullRequestResult("unchanged", 1, "pull request 1 proposes the same already")
    assert bot.writes() == []
    # Nor where the default branch went on elsewhere, as every day.
    bot.commit("main", "Meanwhile", other="b\n")
    bot.again()
    bot.write(changed="after\n", **{"body.md": "newer\r\n"})
    assert bot.propose().message == "pull request 1 is up to date: its text alone was changed"
    assert bot.writes() == ["PATCH /repos/acme/models/pulls/1"]
    assert bot.pushed("rev-parse", BRANCH) == commit
    # It would conflict now.
    bot.commit("main", "Meanwhile", changed="otherwise\n")
    bot.again()
    bot.write(changed="after\n")
    assert bot.propose().result == "updated"
    assert bot.pushed("rev-parse", f"{BRANCH}^") == bot.pushed("rev-parse", "main")


def test_the_branch_of_a_merged_pull_request_is_used_again(bot: Bot) -> None:
    bot.propose()
    bot.commit(BRANCH, "By a person", other="b\n")
    # As GitHub's squash does it: one commit on main, and the branch stays.
    tree = bot.pushed("rev-parse", f"{BRANCH}^{{tree}}")
    squashed = bot.pushed("commit-tree", tree, "-p", "main", "-m", "Promote (#1)")
    bot.pushed("update-ref", "refs/heads/main", squashed)
    bot.github.pulls[0].update(state="closed", merged_at="2026-01-01", head={**bot.github.pulls[0]["head"]})
    bot.github.pulls[0]["head"]["sha"] = bot.pushed("rev-parse", BRANCH)
    bot.again()
    bot.write(changed="later\n")
    assert bot.propose() == PullRequestResult("opened", 2, "pull request 2 is open")
    assert bot.pushed("diff", "--name-only", "main", BRANCH) == "changed"


def test_what_a_person_closed_is_not_proposed_again(bot: Bot) -> None:
    bot.propose()
    bot.github.pulls[0]["state"] = "closed"
    assert bot.propose() == PullRequestResult(
        "declined",
        1,
        "pull request 1 proposed the same and was closed, so it is not proposed again; open that one again, or delete "
        "the branch promote/aliases",
    )
    bot.write(changed="another\n")
    assert bot.propose().result == "opened"


@pytest.mark.long
@pytest.mark.parametrize("options", [(), ("--amend",)], ids=["commits", "amends"])
def test_what_a_person_committed_stays_and_is_said_once(bot: Bot, options: tuple[str, ...]) -> None:
    bot.propose()
    commit = bot.commit(BRANCH, "Promote", *options, other="mine\n")
    # The amended commit is still the bot's by its author.
    name = "github-actions[bot]" if options else "ann"
    bot.write(changed="later\n")
    outcome = bot.propose()
    assert outcome == PullRequestResult(
        "kept", 1, f"pull request 1 is left as it is: {BRANCH} holds {commit[:7]} ({name})"
    )
    assert bot.propose() == outcome
    (comment,) = bot.github.comments
    assert f"`{commit[:7]} ({name})`" in comment["body"]
    assert "The bot would now propose `Promote`, a change of `changed`." in comment["body"]
    assert bot.pushed("rev-parse", BRANCH) == commit
    # What it would say next is another thing.
    bot.write(changed="newest\n")
    bot.propose()
    assert len(bot.github.comments) == 2
    assert bot.propose(void="close") == outcome


def test_a_message_that_a_person_wrote_stays(bot: Bot) -> None:
    bot.propose()
    message = bot.pushed("log", "-1", "--format=%B", BRANCH).replace("Promote", "Promote, for ann said so", 1)
    commit = bot.commit(BRANCH, message, "--amend")
    bot.write(changed="later\n")
    assert bot.propose().result == "kept"
    assert bot.pushed("rev-parse", BRANCH) == commit


def test_a_persons_branch_without_a_pull_request_is_not_overwritten(bot: Bot) -> None:
    bot.pushed("branch", BRANCH, "main")
    commit = bot.commit(BRANCH, "Mine", other="mine\n")
    with pytest.raises(GithubFailed) as refused:
        bot.propose()
    assert str(refused.value) == (
        f"branch {BRANCH}: holds commits that are not the bot's ({commit[:7]} (ann)) and has no open pull request; open "
        "one for them or delete the branch, and run it again"
    )
    assert bot.pushed("rev-parse", BRANCH) == commit


def merge(bot: Bot, *, other: str | None = None) -> None:
    """What the button "Update branch" does; with ``other`` a person resolved something."""
    folder = bot.root.parent / "merge"
    git(bot.root.parent, "clone", "--quiet", "--branch", BRANCH, str(bot.github.git), str(folder))
    git(folder, "merge", "--quiet", "--no-ff", "--no-commit", "origin/main")
    if other is not None:
        (folder / "other").write_text(other)
    git(folder, "commit", "--quiet", "--all", "-m", "Merge branch 'main' into promote/aliases")
    git(folder, "push", "--quiet", "origin", BRANCH)


@pytest.mark.parametrize(("other", "result"), [(None, "updated"), ("mine\n", "kept")])
def test_the_default_branch_merged_into_it_is_no_persons_change(
    bot: Bot, other: str | None, result: str
) -> None:
    bot.propose()
    bot.commit("main", "Meanwhile", other="b\n", more="c\n")
    merge(bot, other=other)
    bot.again()
    bot.write(changed="later\n")
    assert bot.propose().result == result


def test_a_rebase_onto_the_default_branch_is_no_persons_change(bot: Bot) -> None:
    bot.propose()
    bot.commit("main", "Meanwhile", other="b\n")
    folder = bot.root.parent / "rebase"
    git(bot.root.parent, "clone", "--quiet", "--branch", BRANCH, str(bot.github.git), str(folder))
    git(folder, "rebase", "--quiet", "origin/main")
    git(folder, "push", "--quiet", "--force", "origin", BRANCH)
    bot.again()
    bot.write(changed="later\n")
    assert bot.propose().result == "updated"


@pytest.mark.parametrize("kind", ["app", "person"])
def test_another_token_knows_what_it_committed(bot: Bot, kind: str) -> None:
    bot.token = getattr(bot.github, kind)("someone", PERMISSIONS)
    bot.propose()
    bot.write(changed="later\n")
    assert bot.propose().result == "updated"
    # And the next token what that one did.
    bot.token = bot.github.token(PERMISSIONS)
    bot.write(changed="newest\n")
    assert bot.propose().result == "updated"


def test_what_is_no_change_any_more_is_closed(bot: Bot) -> None:
    bot.propose()
    bot.again()
    # A release that proposes nothing leaves a newer one's alone.
    assert bot.propose() == PullRequestResult("nothing", 0, "nothing changed, so there is nothing to propose")
    assert bot.github.pulls[0]["state"] == "open"
    assert bot.propose(void="close") == PullRequestResult(
        "closed", 1, "pull request 1 is closed: what it proposed is no change any more"
    )
    assert bot.github.pulls[0]["state"] == "closed"
    assert [entry["body"] for entry in bot.github.comments] == [
        "What this pull request proposed is no change any more: the default branch, or what it was made from, holds the "
        "same."
    ]
    assert bot.pushed("branch", "--format=%(refname:short)") == "main"
    assert bot.propose(void="close").result == "nothing"
    # The alias moved again.
    bot.write(changed="after\n")
    assert bot.propose() == PullRequestResult("opened", 2, "pull request 2 is open")


def test_what_is_no_change_any_more_stays_open_for_a_persons_commit(bot: Bot) -> None:
    bot.propose()
    commit = bot.commit(BRANCH, "Mine", other="mine\n")
    bot.again()
    for _ in range(2):
        assert bot.propose(void="close") == PullRequestResult(
            "kept", 1, f"pull request 1 proposes nothing now, but holds {commit[:7]} (ann): it stays open"
        )
    assert (bot.github.pulls[0]["state"], len(bot.github.comments)) == ("open", 1)
    assert bot.pushed("rev-parse", BRANCH) == commit


def test_a_branch_that_moves_meanwhile_is_not_overwritten(bot: Bot) -> None:
    bot.propose()
    before, others = bot.pushed("rev-parse", BRANCH), []

    def push(_: str, path: str) -> None:
        if path.endswith("/git/commits") and not others:
            others.append(bot.commit(BRANCH, "Mine", other="mine\n"))

    bot.github.meanwhile = push
    bot.write(changed="later\n")
    with pytest.raises(GithubFailed) as refused:
        bot.propose()
    assert str(refused.value) == (
        f"branch {BRANCH}: was at {before[:7]} when this run read it and is at {others[0][:7]} now; nothing is "
        "overwritten, run it again"
    )
    assert bot.pushed("rev-parse", BRANCH) == others[0]


def test_a_commit_of_another_branch_is_not_brought_along(bot: Bot) -> None:
    git(bot.root, "checkout", "--quiet", "-b", "v1")
    git(bot.root, "commit", "--quiet", "--allow-empty", "-m", "hotfix")
    head = git(bot.root, "rev-parse", "HEAD")
    said = (
        f"HEAD {head[:7]}: is not in the history of main, so a pull request would bring more than what changed here; "
        "check main out, and change it there"
    )
    # On GitHub or not.
    for _ in range(2):
        with pytest.raises(BadArgument) as refused:
            bot.propose()
        assert str(refused.value) == said
        git(bot.root, "push", "--quiet", str(bot.github.git), "v1")
    assert bot.github.pulls == []


def test_an_older_commit_of_the_default_branch(bot: Bot) -> None:
    head = git(bot.root, "rev-parse", "HEAD")
    bot.commit("main", "Meanwhile", other="b\n")
    assert bot.propose().result == "opened"
    bot.commit("main", "Meanwhile", changed="b\n")
    bot.write(changed="later\n")
    with pytest.raises(GithubFailed) as refused:
        bot.propose()
    assert str(refused.value) == (
        f"changed: changed on main since HEAD {head[:7]} was checked out, so the pull request would conflict; run it "
        "again on the newest commit"
    )


@pytest.mark.parametrize(
    ("branch", "title", "void", "said"),
    [
        ("", "Promote", "", "BRANCH '': must be the name of a branch, as in promote/aliases"),
        ("a..b", "Promote", "", "BRANCH 'a..b': must be the name of a branch, as in promote/aliases"),
        ("main", "Promote", "", "BRANCH 'main': is the branch to merge into; name another"),
        ("a", " ", "", "TITLE ' ': must be one line that says what changes"),
        ("a", "b\nc", "", "TITLE 'b\\nc': must be one line that says what changes"),
        ("a", "b", "yes", "VOID 'yes': must be close, or nothing"),
    ],
)
def test_what_cannot_be_proposed(bot: Bot, branch: str, title: str, void: str, said: str) -> None:
    with pytest.raises(BadArgument) as refused:
        bot.propose(title, branch, void)
    assert str(refused.value) == said
    assert bot.pushed("branch", "--format=%(refname:short)") == "main"


def test_what_is_too_large_or_no_file(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitops.github.commit.MOST_BYTES", 10)
    bot.write(new="12345678901")
    with pytest.raises(
        BadArgument, match=r"^new: has 11 bytes: a proposed file has up to 10; keep it elsewhere$"
    ):
        bot.propose()
    bot.write(new="")
    monkeypatch.setattr("gitops.github.commit.MOST_FILES", 1)
    with pytest.raises(BadArgument, match=r"^2 files changed: a proposal has up to 1; propose fewer$"):
        bot.propose()
    monkeypatch.undo()
    git(bot.root.parent, "clone", "--quiet", str(bot.github.git), str(bot.root / "inner"))
    with pytest.raises(BadArgument, match=r"^inner: is a git repository of its own, which is not proposed"):
        bot.propose()
    subprocess.run(["rm", "-rf", bot.root / "inner"], check=True)
    (Path(os.fsdecode(os.fsencode(bot.root) + b"/\xff"))).write_text("")
    with pytest.raises(BadArgument, match=r"is no name in UTF-8, and GitHub's API takes no other"):
        bot.propose()
    bot.write(**{"body.md": "x" * 65_537})
    with pytest.raises(BadArgument, match=r"has 65537 characters: a pull request's text has up to 65536"):
        bot.propose()
    assert bot.writes() == []


def test_a_ruleset_over_all_branches(bot: Bot) -> None:
    bot.github.protected = ["refs/heads/*"]
    with pytest.raises(GithubFailed) as refused:
        bot.propose()
    assert str(refused.value) == (
        f"branch {BRANCH}: GitHub does not change it: Repository rule violations found Cannot update "
        f"refs/heads/{BRANCH}; if a ruleset covers this branch, let it leave the bot's branches out "
        "(`make github-settings` says which); if .github/workflows changed on main since HEAD, which needs the permission "
        "Workflows, run it again on the newest commit"
    )


def test_a_setting_that_is_off_is_named_with_where_to_click(bot: Bot) -> None:
    bot.github.workflow_permissions["can_approve_pull_request_reviews"] = False
    with pytest.raises(
        GithubFailed, match="acme/models: GitHub Actions may not make pull requests; tick"
    ) as refused:
        bot.propose()
    assert bot.token not in str(refused.value)
    # It goes on from there.
    bot.github.workflow_permissions["can_approve_pull_request_reviews"] = True
    assert bot.propose().result == "opened"


@pytest.mark.parametrize("missing", ["contents", "pull-requests"])
def test_a_token_that_may_not(bot: Bot, missing: str) -> None:
    bot.token = bot.github.token({**PERMISSIONS, missing: "read"})
    with pytest.raises(GithubFailed, match="Resource not accessible by integration"):
        bot.propose()
    assert bot.github.pulls == []


def test_a_text_that_is_not_there(bot: Bot) -> None:
    (bot.root / "body.md").unlink()
    with pytest.raises(BadArgument, match=r"^BODY '.*/body\.md': cannot be read"):
        bot.propose()


def test_the_command_says_what_it_did_to_people_and_to_the_next_step(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "ROOT", bot.root)
    for name, value in bot.github.environ(bot.token).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    arguments = [BRANCH, "Promote", str(bot.root / "body.md")]
    assert command.main(["pull-requests-allowed"]) == 0
    assert command.main(["pull-request", *arguments]) == 0
    bot.again()
    assert command.main(["pull-request", "--void", "close", *arguments]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "acme/models: this token may make pull requests",
        "opened: pull request 1 is open",
        "closed: pull request 1 is closed: what it proposed is no change any more",
    ]
    assert (tmp_path / "output").read_text() == "result=opened\nnumber=1\nresult=closed\nnumber=1\n"
