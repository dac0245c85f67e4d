"""The repository's settings before and after; gh is a stand-in that keeps what it was told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitops.errors import BadArgument, GithubFailed, SettingsFailed
from gitops.github.gh import origin
from gitops.github.settings import settings
from tests.gitops.github import gh
from tests.programs import program

ENVIRON = {"GITHUB_REPOSITORY": gh.REPOSITORY}
MAIN, TAGS, TAGS_STAY, BOT = "main", "tags v*: by admins", "tags v*: for good", "the bot's branches"


@dataclass
class Place:
    """Where the stand-in keeps what it was told."""

    file: Path

    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.file.read_text()))

    def set(self, **values: Any) -> None:
        self.file.write_text(json.dumps({**self.state(), **values}))

    def ruleset(self, name: str) -> dict[str, Any]:
        (found,) = (entry for entry in self.state()["rulesets"] if entry["name"] == name)
        return dict(found)

    def rules(self, name: str) -> dict[str, Any]:
        return {rule["type"]: rule.get("parameters") for rule in self.ruleset(name)["rules"]}

    def policies(self, name: str) -> set[tuple[str, str]]:
        return {(entry["type"], entry["name"]) for entry in self.state()["policies"].get(name, ())}

    def run(self, **variables: str) -> list[str]:
        """Set all, and return the lines; nothing may fail."""
        return list(settings(self.file.parent, {**ENVIRON, **variables}))

    def fail(self, **variables: str) -> tuple[list[str], str]:
        """Set all, and return the lines and the error that they end in."""
        lines: list[str] = []
        with pytest.raises(SettingsFailed) as failed:
            lines.extend(settings(self.file.parent, {**ENVIRON, **variables}))
        return lines, str(failed.value)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    program(tmp_path / "gh", f'exec {sys.executable} -S {gh.__file__} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GH_STATE", str(tmp_path / "state.json"))
    file = tmp_path / "state.json"
    file.write_text(json.dumps(gh.fresh()))
    return Place(file)


def test_a_new_repository_gets_all_and_a_second_run_changes_nothing(place: Place) -> None:
    lines = place.run()
    assert lines[:5] == [
        "acme/models: what is set",
        "  set      workflow permissions: default_workflow_permissions: write → read; "
        "can_approve_pull_request_reviews: false → true",
        "  set      branches that are merged: delete_branch_on_merge: false → true",
        "  set      environment release: made",
        "  set      environment release: branch main: may not deploy → may",
    ]
    state = place.state()
    assert state["workflow"] == {
        "default_workflow_permissions": "read",
        "can_approve_pull_request_reviews": True,
    }
    assert place.policies("release") == {("branch", "main"), ("tag", "v*")}
    assert place.policies("promotion") == {("branch", "main")}

    main = place.ruleset(MAIN)
    assert main["conditions"] == {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    assert main["bypass_actors"] == [
        {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "pull_request"}
    ]
    rules = place.rules(MAIN)
    assert rules.keys() == {"deletion", "non_fast_forward", "pull_request", "required_status_checks"}
    assert rules["pull_request"]["required_approving_review_count"] == 1
    assert rules["required_status_checks"]["required_status_checks"] == [
        {"context": "ci", "integration_id": 15368}
    ]
    assert place.ruleset(TAGS)["bypass_actors"] == [
        {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}
    ]
    assert place.rules(TAGS).keys() == {"creation"}
    assert place.ruleset(TAGS_STAY)["bypass_actors"] == []
    assert place.rules(TAGS_STAY).keys() == {"update", "deletion", "non_fast_forward"}
    # Without an App a rule for its branches would stop the bot itself.
    assert BOT not in [entry["name"] for entry in state["rulesets"]]

    again = place.run()
    assert place.state() == state
    assert [line for line in again[1:] if not line.startswith("  ok ")] == [
        "  by hand  package: the image is not pushed yet, or cannot be seen; run this again after the first release"
    ]


def test_a_dry_run_says_the_same_and_changes_nothing(place: Place) -> None:
    before = place.state()
    said = place.run(DRY_RUN="1")
    assert place.state() == before
    assert said[0] == "acme/models: what differs (nothing is changed)"
    done = place.run()
    assert [line.replace("  differs  ", "  set      ") for line in said[1:]] == done[1:]


def test_what_a_plan_lacks_keeps_nothing_else_back(place: Place) -> None:
    upgrade = (403, gh.UPGRADE)
    place.set(refused={r"\w+ repos/acme/models/rulesets.*": upgrade, r"PUT .*/environments/.*": upgrade})
    lines, error = place.fail()
    assert error == (
        "5 of 8 settings cannot be set: environment release, environment promotion, rules for the bot's branches, rules "
        "for tags v*, rules for main; what a plan does not have stands in docs/install.md; run this again once the rest "
        "is mended"
    )
    assert (
        f"  FAILED   rules for main: GET repos/acme/models/rulesets?includes_parents=false&per_page=100: GitHub says 403: {gh.UPGRADE}"
        in lines
    )
    assert place.state()["workflow"]["can_approve_pull_request_reviews"] is True
    assert place.state()["repository"]["delete_branch_on_merge"] is True


@pytest.mark.long
def test_one_that_stopped_half_way_goes_on_from_there(place: Place) -> None:
    place.set(refused={r"POST .*/environments/release/deployment-branch-policies": (500, "Oops")})
    lines, _ = place.fail()
    assert (
        "  FAILED   environment release: POST repos/acme/models/environments/release/deployment-branch-policies: GitHub says 500: Oops"
        in lines
    )
    place.set(refused={}, writes=[])
    place.run()
    assert (
        place.state()["writes"]
        == ["POST repos/acme/models/environments/release/deployment-branch-policies"] * 2
    )
    assert place.policies("release") == {("branch", "main"), ("tag", "v*")}


@pytest.mark.long
def test_what_people_have_added_stays_and_what_they_took_away_comes_back(place: Place) -> None:
    place.run()
    rulesets = place.state()["rulesets"]
    (main,) = (entry for entry in rulesets if entry["name"] == MAIN)
    main["rules"].append({"type": "required_linear_history"})
    for rule in main["rules"]:
        if rule["type"] == "required_status_checks":
            # Without who makes it, and one more.
            rule["parameters"]["required_status_checks"] = [{"context": "license"}, {"context": "ci"}]
        if rule["type"] == "pull_request":
            rule["parameters"].update(required_approving_review_count=2, dismiss_stale_reviews_on_push=False)
    main["bypass_actors"].append({"actor_id": 9, "actor_type": "Team", "bypass_mode": "always"})
    main["rules"] = [rule for rule in main["rules"] if rule["type"] != "deletion"]
    place.set(rulesets=rulesets)

    (line,) = (line for line in place.run() if line.startswith("  set "))
    assert line.startswith(
        "  set      rules for main: rule deletion: nothing → made; pull_request.dismiss_stale"
    )
    assert (
        'bypass: ["RepositoryRole 5 pull_request", "Team 9 always"] → ["RepositoryRole 5 pull_request"]'
        in line
    )
    rules = place.rules(MAIN)
    assert {"deletion", "required_linear_history"} <= rules.keys()
    assert rules["pull_request"]["required_approving_review_count"] == 2
    assert rules["pull_request"]["dismiss_stale_reviews_on_push"] is True
    assert rules["required_status_checks"]["required_status_checks"] == [
        {"context": "license"},
        {"context": "ci", "integration_id": 15368},
    ]
    assert len(place.ruleset(MAIN)["bypass_actors"]) == 1
    # Who asks for another number gets it.
    place.run(APPROVALS="0")
    assert place.rules(MAIN)["pull_request"]["required_approving_review_count"] == 0


@pytest.mark.long
def test_only_main_and_tags_may_use_the_secrets_of_an_environment(place: Place) -> None:
    reviewers = [{"type": "User", "reviewer": {"id": 7}}]
    place.set(
        environments={
            "promotion": {
                "deployment_branch_policy": None,
                "protection_rules": [
                    {"type": "wait_timer", "wait_timer": 5},
                    {"type": "required_reviewers", "prevent_self_review": True, "reviewers": reviewers},
                ],
            },
            "release": {
                "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}
            },
        },
        policies={
            "release": [{"id": 1, "name": "*", "type": "branch"}, {"id": 2, "name": "main", "type": "branch"}]
        },
    )
    lines = place.run()
    assert "  set      environment release: branch *: may deploy → may not" in lines
    assert place.policies("release") == {("branch", "main"), ("tag", "v*")}
    assert place.policies("promotion") == {("branch", "main")}
    # Who must approve, and what is waited for, stays.
    kept = place.state()["environments"]["promotion"]["protection_rules"]
    assert {"type": "wait_timer", "wait_timer": 5} in kept
    assert {"type": "required_reviewers", "prevent_self_review": True, "reviewers": reviewers} in kept


@pytest.mark.long
def test_the_branches_of_an_app_are_its_own(place: Place) -> None:
    place.set(variables={"APP_ID": "1234"})
    place.run()
    bot = place.ruleset(BOT)
    assert bot["conditions"]["ref_name"]["include"] == ["refs/heads/release/**", "refs/heads/promote/**"]
    assert place.rules(BOT).keys() == {"creation", "update", "deletion"}
    assert {"actor_id": 1234, "actor_type": "Integration", "bypass_mode": "always"} in bot["bypass_actors"]
    assert not [line for line in place.run() if "stops the bot" in line]
    # The App is gone: what kept others away would keep the bot away now.
    place.set(variables={})
    assert (
        "  set      rules for the bot's branches: there → removed: without an App (APP_ID) it stops the bot itself"
        in place.run()
    )
    assert BOT not in [entry["name"] for entry in place.state()["rulesets"]]

    place.set(variables={"APP_ID": "Iv23abc"})
    lines, _ = place.fail()
    assert (
        "  FAILED   rules for the bot's branches: APP_ID 'Iv23abc': must be the number that the App's page on GitHub "
        "calls App ID, not its client ID" in lines
    )


def test_a_rule_of_others_that_stops_the_bot_is_named(place: Place) -> None:
    place.set(foreign=[{"type": "update", "ruleset_id": 9, "ruleset_source": "acme"}])
    assert (
        "  by hand  rules for the bot's branches: the rule update of the ruleset 9 (acme) applies to release/image and "
        "stops the bot (GH013), unless its App may bypass it: exclude release/** and promote/**"
        in place.run()
    )


@pytest.mark.long
def test_a_merge_queue_comes_and_goes_with_who_asks(place: Place) -> None:
    place.run(MERGE_QUEUE="1")
    assert place.rules(MAIN)["merge_queue"]["grouping_strategy"] == "ALLGREEN"
    place.run()
    assert "merge_queue" in place.rules(MAIN)
    assert "  set      rules for main: rule merge_queue: there → nothing" in place.run(MERGE_QUEUE="0")
    assert "merge_queue" not in place.rules(MAIN)


def test_a_person_has_no_merge_queue_and_needs_no_approval(place: Place) -> None:
    place.file.write_text(json.dumps(gh.fresh("User")))
    lines, error = place.fail(MERGE_QUEUE="1")
    assert (
        "  FAILED   rules for main: MERGE_QUEUE=1: only repositories of organizations have a merge queue"
        in lines
    )
    assert error.startswith("1 of 8 settings cannot be set: rules for main; ")
    assert place.rules(MAIN)["pull_request"]["required_approving_review_count"] == 0
    assert "merge_queue" not in place.rules(MAIN)


@pytest.mark.long
def test_what_has_no_api_says_where_to_click(place: Place) -> None:
    page = "https://github.com/orgs/acme/packages/container/seldon-mlflow-server/settings"
    place.set(package={"name": "seldon-mlflow-server", "visibility": "private"})
    assert place.run()[-2:] == [
        "  by hand  package: the image is private, the repository public; GitHub has no API for it: Change visibility "
        f"in {page} (a private image needs the registry's account in the cluster: docs/secrets.md)",
        "  by hand  package: the image belongs to no repository; GitHub has no API for it: add acme/models with the "
        f"role Write under Manage Actions access in {page}",
    ]
    place.set(
        package={
            "name": "seldon-mlflow-server",
            "visibility": "public",
            "repository": {"full_name": "Acme/models"},
        }
    )
    assert place.run()[-1] == "  ok       package"
    refused = {r"GET orgs/acme/packages/.*": (403, "You need at least read:packages scope to get a package.")}
    place.set(refused=refused)
    assert "run `gh auth refresh --scopes read:packages`" in place.run()[-1]


@pytest.mark.parametrize("name", ["DRY_RUN", "MERGE_QUEUE", "APPROVALS"])
def test_a_variable_that_means_nothing_is_refused(place: Place, name: str) -> None:
    before = place.state()
    with pytest.raises(BadArgument, match=f"{name} 'maybe': must be "):
        place.run(**{name: "maybe"})
    assert place.state() == before


def test_the_repository_is_that_of_the_remote_and_not_what_it_was_forked_from(
    place: Place, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", clone], check=True)
    # Of none gh knows it.
    assert next(settings(clone, {"DRY_RUN": "1"})).startswith("acme/models: ")
    git = ["git", "-C", str(clone), "remote"]
    subprocess.run([*git, "add", "origin", "git@github.com:acme/models.git"], check=True)
    assert next(settings(clone, {"DRY_RUN": "1"})).startswith("acme/models: ")
    subprocess.run([*git, "set-url", "origin", "https://x:token@github.com/acme/models"], check=True)
    assert next(settings(clone, {"DRY_RUN": "1"})).startswith("acme/models: ")
    subprocess.run([*git, "set-url", "origin", "https://x:token@example.com/acme/models"], check=True)
    with pytest.raises(
        GithubFailed,
        match=r"^the remote origin is https://example\.com/acme/models, and names no OWNER/REPO on github",
    ):
        origin(clone)
    subprocess.run([*git, "set-url", "origin", "https://github.com/acme/other"], check=True)
    with pytest.raises(Exception, match="Not Found"):
        next(settings(clone, {"DRY_RUN": "1"}))


def test_without_gh_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadArgument, match="gh: no such command; install it "):
        list(settings(tmp_path, ENVIRON))


def test_who_is_not_logged_in_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "gh", "echo To get started, please run: gh auth login >&2; exit 4")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(BadArgument, match="log in with `gh auth login`"):
        list(settings(tmp_path, ENVIRON))
