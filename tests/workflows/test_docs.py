"""docs.yml as GitHub runs it: the pages are built where they change, and put up only where somebody has asked for it."""

from __future__ import annotations

import pytest

from tests.workflows.expected import passed
from tests.workflows.happenings import Happenings
from tests.workflows.history import History

pytestmark = pytest.mark.long
FILE = "docs.yml"


@pytest.fixture
def pages(project: History) -> History:
    """The project with a site that takes no time to build."""
    project.repository.targets["docs-site"] = (
        "mkdir -p .cache/docs-site/html && echo home > .cache/docs-site/html/index.html"
    )
    return project


def test_a_fork_s_pages_are_built_and_not_put_up_unasked(pages: History, happens: Happenings) -> None:
    run = pages.repository.happens(happens.dispatch(), FILE)[FILE]
    passed(run, "build")
    assert pages.repository.site == {}


def test_the_site_is_put_up_where_the_variable_says_so(pages: History, happens: Happenings) -> None:
    pages.repository.variables["DOCS_SITE"] = "true"
    run = pages.repository.happens(happens.dispatch(), FILE)[FILE]
    passed(run, "build", "deploy")
    assert pages.repository.site == {"index.html": "home\n"}
    # What runs the repository's code cannot put up a site.
    assert run.jobs["build"].permissions == {"contents": "read"}


@pytest.mark.parametrize(("path", "built"), [("docs/new.md", True), ("server/new.py", False)])
def test_a_pull_request_builds_what_it_changes_and_puts_up_nothing(
    pages: History, happens: Happenings, path: str, built: bool
) -> None:
    pages.repository.variables["DOCS_SITE"] = "true"
    pages.commit({path: "A change.\n"}, "feature")
    runs = pages.repository.happens(happens.pull_request("feature"), FILE)
    assert (FILE in runs) == built
    if built:
        passed(runs[FILE], "build")
    assert pages.repository.site == {}


def test_another_branch_puts_up_nothing(pages: History, happens: Happenings) -> None:
    pages.repository.variables["DOCS_SITE"] = "true"
    pages.commit({"docs/new.md": "# New\n"}, "feature")
    run = pages.repository.happens(happens.dispatch("feature"), FILE)[FILE]
    passed(run, "build")
    assert pages.repository.site == {}
