"""weekly.yml as GitHub runs it: what is red stands in one issue, which is closed when nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.expected import passed, sound
from tests.workflows.happenings import Happenings
from tests.workflows.history import History
from tests.workflows.released import DIGEST, pin

pytestmark = pytest.mark.long
BUILT = ("image / linux/amd64", "image / linux/arm64", "image / two builds are the same")
CRON = "41 4 * * 1"


def test_what_is_found_stands_in_one_issue_until_it_is_gone(project: History, happens: Happenings) -> None:
    repository, github = project.repository, project.repository.github
    repository.advisories = "CVE-2026-1 in some package"
    run = repository.happens(happens.schedule(CRON), "weekly.yml")["weekly.yml"]
    assert run.results["advisories of the locks"] == "failure"
    sound(run)
    (issue,) = github.issues
    assert (issue["state"], "locks" in issue["body"]) == ("open", True)
    # Nothing is released yet, so there is nothing to verify.
    assert run.results["advisories and signature of the pinned image"] == "skipped"

    repository.advisories = ""
    run = repository.happens(happens.schedule(CRON), "weekly.yml")["weekly.yml"]
    assert "failure" not in run.results.values(), run.log
    assert [issue["state"] for issue in github.issues] == ["closed"]


def test_the_pinned_image_is_verified(project: History, happens: Happenings, tmp_path: Path) -> None:
    pin(project, tmp_path)
    run = project.repository.happens(happens.dispatch(), "weekly.yml")["weekly.yml"]
    passed(run, *run.results)
    verified = run.jobs["advisories and signature of the pinned image"]
    calls = [call.line for call in verified.calls if call.program in ("cosign", "gh")]
    assert [line.split()[:2] for line in calls] == [["cosign", "verify"], ["gh", "attestation"]]
    assert all(DIGEST in line for line in calls)
