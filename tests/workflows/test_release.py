"""release.yml as GitHub runs it: from a commit to a signed image, and to the pull request that pins it."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.workflows.expected import passed, sound
from tests.workflows.happenings import Happenings
from tests.workflows.history import History
from tests.workflows.run import Run

pytestmark = pytest.mark.long
NAME = "acme/seldon-mlflow-server"
BUILT = ("image / linux/amd64", "image / linux/arm64", "image / two builds are the same", "image")
RELEASED = ("what to build", *BUILT, "tests of this commit", "push", "sign", "tag")


def tags(project: History) -> dict[str, str]:
    """The digest of each tag in the registry."""
    url = f"http://{project.repository.registry}/v2/{NAME}"
    answer = httpx.get(f"{url}/tags/list")
    names = answer.json().get("tags") or [] if answer.status_code == 200 else []
    accept = {"Accept": "application/vnd.oci.image.index.v1+json"}
    found = {name: httpx.head(f"{url}/manifests/{name}", headers=accept) for name in names}
    return {name: each.headers["Docker-Content-Digest"] for name, each in found.items()}


def succeeded(project: History, sha: str) -> None:
    """Let ci.yml have succeeded for a commit that was pushed."""
    github = project.repository.github
    github.workflow_runs.append({"id": 99, "event": "push", "check_suite_id": 99})
    check = {
        "id": 1,
        "name": "ci",
        "head_sha": sha,
        "status": "completed",
        "conclusion": "success",
        "html_url": f"{github.url}/checks/1",
        "app": {"slug": "github-actions"},
        "check_suite": {"id": 99},
    }
    github.check_runs.setdefault(sha, []).append(check)


def release(project: History, happens: Happenings) -> Run:
    """Push what the image is made of to main, and release it in a repository that names itself in site.yaml."""
    project.edit("site/site.yaml", "github.com/owner/seldon-mlflow-gitops", "github.com/acme/models")
    project.edit("site/site.yaml", "ghcr.io/owner/", "ghcr.io/acme/")
    succeeded(project, project.commit({"server/new.py": '"""New."""\n'}))
    return project.repository.happens(happens.push(), "release.yml")["release.yml"]


def pinned(project: History, branch: str) -> str:
    text = project.repository.github.bare.git("show", f"refs/heads/{branch}:base/interface.json")
    return str(json.loads(text)["image"])


def test_what_the_image_is_made_of_is_released_and_proposed(project: History, happens: Happenings) -> None:
    repository, github = project.repository, project.repository.github
    run = release(project, happens)
    passed(run, *RELEASED, "pull request")
    digest = run.jobs["push"].outputs["digest"]
    # Signed and attested by its digest, and only then tagged.
    assert repository.signed == [f"ghcr.io/{NAME}@{digest}"]
    assert repository.attested == [f"ghcr.io/{NAME}@{digest}"]
    assert tags(project) == {f"sha-{run.event.sha}": digest}
    (pull,) = github.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == (
        "release/image",
        "main",
        f"Pin the image of {run.event.sha}",
    )
    assert pinned(project, "release/image") == digest
    # By GitHub, which signs it, and by the job that may.
    assert github.bare.sha("refs/heads/release/image") in github.verified
    writers = {call.token for call in github.calls if call.method != "GET" and call.status < 300}
    assert writers == {run.jobs["pull request"].token}
    assert [job.permissions.get("id-token") for job in run.jobs.values()].count("write") == 1

    # Its merge is no reason for another image.
    github.bare.git("update-ref", "refs/heads/main", github.bare.sha("refs/heads/release/image"))
    again = repository.happens(happens.push(), "release.yml")["release.yml"]
    passed(again, "what to build")
    assert again.jobs["what to build"].outputs["build"] == "false"

    # A tag of it names the image that is there.
    github.bare.git("update-ref", "refs/tags/v1.2.3", github.bare.sha("refs/heads/main"))
    tagged = repository.happens(happens.tag("v1.2.3"), "release.yml")["release.yml"]
    passed(tagged, "what to build", "tag")
    assert tags(project)["v1.2.3"] == digest
    (notes,) = [call for call in tagged.jobs["tag"].calls if call.program == "gh"]
    assert notes.arguments[:3] == ("release", "create", "v1.2.3")


def test_a_commit_whose_tests_failed_is_not_released(project: History, happens: Happenings) -> None:
    sha = project.commit({"server/new.py": '"""New."""\n'})
    succeeded(project, sha)
    project.repository.github.check_runs[sha][0]["conclusion"] = "failure"
    run = project.repository.happens(happens.push(), "release.yml")["release.yml"]
    assert (run.results["tests of this commit"], run.results["push"]) == ("failure", "skipped")
    assert tags(project) == {}
    assert project.repository.github.pulls == []
    sound(run)


def test_a_repository_that_forbids_it_is_told_before_the_build(project: History, happens: Happenings) -> None:
    project.repository.github.workflow_permissions["can_approve_pull_request_reviews"] = False
    run = release(project, happens)
    assert (run.results["what to build"], run.results["image"]) == ("failure", "skipped")
    assert "Allow GitHub Actions to create and approve pull requests" in run.jobs["what to build"].log


def test_an_app_proposes_in_its_own_name(project: History, happens: Happenings) -> None:
    repository = project.repository
    repository.variables = {"APP_ID": "12"}
    repository.environment("release").secrets["APP_PRIVATE_KEY"] = "the-key-of-the-app"
    run = release(project, happens)
    passed(run, *RELEASED, "pull request")
    (pull,) = repository.github.pulls
    assert pull["user"]["login"] == "bot-of-acme[bot]"


def test_a_private_repository_is_not_told_to_the_world(project: History, happens: Happenings) -> None:
    project.repository.github.private = True
    run = release(project, happens)
    passed(run, *RELEASED, "pull request")
    assert (project.repository.signed, project.repository.attested) == ([], [])


def test_a_hotfix_of_another_branch_is_tagged_and_not_proposed(project: History, happens: Happenings) -> None:
    github = project.repository.github
    sha = project.commit({"server/new.py": '"""New."""\n'}, "hotfix")
    succeeded(project, sha)
    github.bare.git("update-ref", "refs/tags/v1.2.4", sha)
    run = project.repository.happens(happens.tag("v1.2.4"), "release.yml")["release.yml"]
    passed(run, *RELEASED, "pull request")
    assert {*tags(project)} == {f"sha-{sha}", "v1.2.4"}
    assert github.pulls == []
    assert "nothing to propose" in run.jobs["pull request"].log


@pytest.mark.parametrize(
    ("old", "new", "job"),
    [
        (
            "      packages: write # the image on GHCR\n    outputs",
            "      packages: read # the image on GHCR\n    outputs",
            "push",
        ),
        ("      id-token: write # signed in", "      id-token: none # signed in", "sign"),
        (
            "      contents: write # the branch release/image\n      pull-requests: write # its pull request\n      packages: read",
            "      contents: read # the branch release/image\n      pull-requests: write # its pull request\n      packages: read",
            "pull request",
        ),
        (
            "      attestations: read # where it comes from",
            "      attestations: none # where it comes from",
            "pull request",
        ),
    ],
    ids=["packages", "id-token", "contents", "attestations"],
)
def test_a_permission_that_lacks_is_seen(
    project: History, happens: Happenings, old: str, new: str, job: str
) -> None:
    project.edit(".github/workflows/release.yml", old, new)
    run = release(project, happens)
    assert run.results[job] == "failure", run.log
