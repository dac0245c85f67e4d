"""A deployment of two replicas whose pods change under load: no request may fail."""

from __future__ import annotations

from collections.abc import Callable

from tests.cluster.helper import Load
from tests.e2e.answers import Answers
from tests.e2e.deployment import Deployment
from tests.e2e.errors import E2eError
from tests.e2e.report import Report

REPLICAS = 2
_SHOWN = 3


def pod_killed(deployment: Deployment, answers: Answers, report: Report) -> None:
    """Delete a pod while requests are sent, and wait for the one that takes its place.

    Raises:
        E2eError: a request failed, or none was answered.
    """
    victim = min(pod["metadata"]["name"] for pod in deployment.pods())

    def kill() -> None:
        report.say(f"{deployment.name}: deleting the pod {victim} under load")
        deployment.namespace.kubectl("delete", "pod", victim, "--wait")
        deployment.wait()

    _under_load(deployment, answers, report, "a pod was deleted", kill)


def rolled_out(deployment: Deployment, answers: Answers, report: Report, what: str) -> None:
    """Apply ``deployment``, in which ``what`` is another, while requests are sent, until no old pod is left.

    Raises:
        E2eError: a request failed, or none was answered.
    """

    def change() -> None:
        deployment.apply()
        deployment.wait()

    _under_load(deployment, answers, report, f"{what} was rolled out", change)


def judge(load: Load, what: str) -> str:
    """Return what to tell of the requests that were sent while ``what``.

    Raises:
        E2eError: one failed, or none was answered.
    """
    sent = load.answered + len(load.failed)
    if load.failed:
        shown = "; ".join(load.failed[:_SHOWN])
        raise E2eError(f"{len(load.failed)} of {sent} requests failed while {what}, such as: {shown}")
    if not load.answered:
        raise E2eError(f"no request was sent while {what}: nothing is shown")
    return f"0 of {sent} requests failed while {what}"


def _under_load(
    deployment: Deployment, answers: Answers, report: Report, what: str, change: Callable[[], None]
) -> None:
    with answers.helper.load(answers.url, answers.expected.request) as load:
        change()
    report.ok(f"{deployment.name}: {judge(load, what)}")
