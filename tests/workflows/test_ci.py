"""ci.yml as GitHub runs it: what a contributor and a reviewer see of a change."""

from __future__ import annotations

import pytest

from tests.workflows.expected import passed, sound
from tests.workflows.happenings import Happenings
from tests.workflows.history import History

pytestmark = pytest.mark.long
TESTS = ("what to run", "make test ", "make test-all 1/3", "make test-all 2/3", "make test-all 3/3")
MACHINES = ("machines / macos-15", "machines / ubuntu-24.04-arm")
DEPTH = "fetch-depth: ${{ github.event_name != 'merge_group' && 2 || 0 }} # the merge, and its base"
OVERLAY = "overlays/model/kustomization.yaml"


def decision(project: History, branch: str) -> str:
    """Change what an overlay renders, on a branch."""
    return project.edit(OVERLAY, "value: decision_function", "value: predict", branch)


def test_a_push_to_main_is_tested(project: History, happens: Happenings) -> None:
    # Nothing else runs on other machines unasked.
    project.repository.variables["CI_MACHINES"] = "true"
    run = project.repository.happens(happens.push(), "ci.yml")["ci.yml"]
    passed(run, *TESTS, *MACHINES, "machines", "ci")
    assert {run.jobs[name].architecture for name in MACHINES} == {"ARM64"}
    called = {name: [call.line for call in job.calls] for name, job in run.jobs.items()}
    assert called["make test "] == ["make test SHARD="]
    assert called["make test-all 2/3"] == ["make pythons", "make test-all SHARD=2/3"]


def test_a_pull_request_is_tested_and_its_reviewer_told(project: History, happens: Happenings) -> None:
    decision(project, "feature")
    github = project.repository.github
    run = project.repository.happens(happens.pull_request("feature"), "ci.yml")["ci.yml"]
    passed(run, *TESTS, "rendered difference", "ci")
    (comment,) = github.comments
    assert "decision_function" in comment["body"]
    assert run.jobs["rendered difference"].summary in comment["body"]
    # Only the reviewer's job could have written it.
    writers = {call.token for call in github.calls if call.method == "POST"}
    assert writers == {run.jobs["rendered difference"].token}

    # One comment, whatever is pushed.
    project.edit(OVERLAY, "value: predict", "value: predict_proba", "feature")
    event = happens.pull_request("feature", activity="synchronize")
    run = project.repository.happens(event, "ci.yml")["ci.yml"]
    assert run.results["ci"] == "success", run.log
    assert ["predict_proba" in entry["body"] for entry in github.comments] == [True]


def test_a_stranger_s_pull_request_is_told_in_the_summary(project: History, happens: Happenings) -> None:
    repository = project.repository
    repository.secrets = {"PULL_REQUEST_TOKEN": "a-secret-of-ours"}
    sha = decision(project, "theirs")
    run = repository.happens(happens.pull_request(sha, fork=True), "ci.yml")["ci.yml"]
    passed(run, *TESTS, "rendered difference", "ci")
    assert repository.github.comments == []
    assert "decision_function" in run.jobs["rendered difference"].summary
    for job in run.jobs.values():
        for call in job.calls:
            assert "a-secret-of-ours" not in call.environ.values()


def test_an_edited_title_judges_nothing(project: History, happens: Happenings) -> None:
    decision(project, "feature")
    event = happens.pull_request("feature", activity="edited")
    run = project.repository.happens(event, "ci.yml")["ci.yml"]
    # Not `ci`, which would pass in place of the one that is still under way.
    passed(run, "what to run", "nothing to run")


def test_what_waits_for_its_merge_is_tested_as_merged(project: History, happens: Happenings) -> None:
    project.commit({"server/new.py": '"""New."""\n'}, "feature")
    run = project.repository.happens(happens.merge_group("feature"), "ci.yml")["ci.yml"]
    built = {"image / linux/amd64", "image / linux/arm64", "image / two builds are the same", "image"}
    passed(run, *TESTS, "rendered difference", *built, "e2e / make e2e on kind", "e2e", "ci")
    base = run.event.payload["merge_group"]["base_sha"]
    assert {call.environ["BASE"] for call in run.jobs["make test "].calls} == {base}
    assert base[:7] in run.jobs["rendered difference"].summary
    assert project.repository.github.comments == []
    assert run.artifacts.joinpath("e2e-logs").is_dir()
    assert (run.jobs["image / linux/arm64"].architecture, run.artifacts.joinpath("image-arm64").is_dir()) == (
        "ARM64",
        True,
    )


@pytest.mark.parametrize("target", ["test", "e2e", "image-test"])
def test_one_check_says_that_something_failed(project: History, happens: Happenings, target: str) -> None:
    project.repository.targets[target] = "exit 1"
    project.commit({"server/new.py": '"""New."""\n'}, "feature")
    run = project.repository.happens(happens.merge_group("feature"), "ci.yml")["ci.yml"]
    assert run.results["ci"] == "failure"
    sound(run)
    checks = {
        entry["name"]: entry["conclusion"] for entry in project.repository.github.check_runs[run.event.sha]
    }
    assert checks["ci"] == "failure"


@pytest.mark.parametrize(
    ("old", "new", "job"),
    [
        # A clone without the base of the change.
        (
            f"{DEPTH}\n      - id: jobs",
            "fetch-depth: 1\n      - id: jobs",
            "what to run",
        ),
        (
            f"{DEPTH}\n      - uses: actions/cache",
            "fetch-depth: 1\n      - uses: actions/cache",
            "rendered difference",
        ),
        (
            "      pull-requests: write # one comment",
            "      pull-requests: read # one comment",
            "rendered difference",
        ),
        ("    if: always() # a job that", "    if: success() # a job that", "ci"),
        (
            "needs: [changes, test, review, image, e2e, machines]",
            "needs: [changes, review, image, e2e, machines]",
            "",
        ),
    ],
    ids=["depth of the plan", "depth of the review", "permission", "condition", "needs"],
)
def test_a_workflow_that_is_broken_is_seen(
    project: History, happens: Happenings, old: str, new: str, job: str
) -> None:
    project.edit(".github/workflows/ci.yml", old, new)
    decision(project, "feature")
    project.repository.targets["test"] = "exit 1" if not job else ":"
    run = project.repository.happens(happens.pull_request("feature"), "ci.yml")["ci.yml"]
    if job:
        assert run.results[job] in ("failure", "skipped"), run.log
    else:
        # What nobody needs nobody waits for: the tests failed, and the change could be merged.
        assert (run.results["make test "], run.results["ci"]) == ("failure", "success")
