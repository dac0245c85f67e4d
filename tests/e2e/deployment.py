"""A SeldonDeployment in the cluster: applied, waited for, taken away."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cluster.kubectl import get
from tests.cluster.namespace import Namespace
from tests.e2e import pods as states
from tests.e2e.errors import E2eError
from tests.e2e.rendered import Rendered
from tests.e2e.report import Report

KIND = "seldondeployments.machinelearning.seldon.io"
INTERVAL_SECONDS = 2.0
# An operator that watches this namespace writes a status at once.
SEEN_SECONDS = 120.0
# A pull that is tried again, a secret that was not there yet, a node that is being added.
TROUBLE_SECONDS = 180.0
# The operator says Failed of each error of its own too, such as an object that is there already, and tries again:
# https://github.com/SeldonIO/seldon-core/blob/v1.17.1/operator/controllers/seldondeployment_controller.go
FAILED_SECONDS = 60.0
# Beyond what the manifest gives the rollout.
MORE_SECONDS = 120.0
_PROGRESS_DEADLINE_SECONDS = 600
JOB_SECONDS = 450.0


def available(rendered: Rendered, status: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the pods of this manifest, and none else, serve, and the operator says so.

    The status alone does not tell: it has no observedGeneration, and after a change it is the old one for a while.
    """
    predictor = rendered.overlay.predictor
    return (
        status.get("state") == "Available"
        and all(
            sum(states.is_of(pod, manifest) for pod in pods) >= predictor.replicas
            for manifest in predictor.pods
        )
        and all(
            states.ready(pod) and any(states.is_of(pod, manifest) for manifest in predictor.pods)
            for pod in pods
        )
    )


@dataclass(frozen=True)
class Deployment:
    """The SeldonDeployment of a rendered overlay, in ``namespace``."""

    namespace: Namespace
    rendered: Rendered
    report: Report

    @property
    def name(self) -> str:
        return self.rendered.name

    def apply(self) -> None:
        """Apply all but the smoke test, server-side.

        Raises:
            E2eError: the cluster, or Seldon's webhook, refuses it.
        """
        self.namespace.apply(self.rendered.applied_first)
        self.report.say(f"{self.name}: applied ({len(self.rendered.applied_first)} objects, server-side)")

    def pods(self) -> list[dict[str, Any]]:
        """Return its pods, those that end too."""
        return self.namespace.pods(f"seldon-deployment-id={self.name}")

    def wait(self) -> None:
        """Wait until it is available by this manifest alone, and tell what it is at.

        Raises:
            E2eError: it fails, something keeps its pods, or it takes longer than the manifest gives it.
        """
        deadline = self.rendered.overlay.predictor.raw.get(
            "progressDeadlineSeconds", _PROGRESS_DEADLINE_SECONDS
        )
        began, troubled_since, failed_since, before = time.monotonic(), 0.0, 0.0, ""
        while True:
            status = get(KIND, self.name, self.namespace.name).get("status") or {}
            pods = self.pods()
            said = f"{self.name}: {_shown(status)}; {states.summary(pods, self.name)}"
            if said != before:
                self.report.say(said)
                before = said
            if available(self.rendered, status, pods):
                return
            now, troubles = time.monotonic(), states.troubles(pods)
            troubled_since = (troubled_since or now) if troubles else 0.0
            failed_since = (failed_since or now) if status.get("state") == "Failed" else 0.0
            if failed_since and now - failed_since > FAILED_SECONDS:
                why = "; ".join(filter(None, (status.get("description"), *troubles)))
                raise E2eError(f"{self.name} is Failed: {why}")
            if not status and now - began > SEEN_SECONDS:
                raise E2eError(
                    f"{self.name} has no status after {SEEN_SECONDS:g} s: Seldon's operator does not see it; look at its "
                    "log, and whether its controllerId or its namespace keep it from others"
                )
            if troubles and now - troubled_since > TROUBLE_SECONDS:
                raise E2eError(f"{self.name} does not start: {'; '.join(troubles)}")
            if now - began > deadline + MORE_SECONDS:
                raise E2eError(f"{self.name} is not available after {now - began:.0f} s: {said}")
            time.sleep(INTERVAL_SECONDS)

    def smoke(self) -> None:
        """Run its smoke test, as Argo CD does after a sync.

        Raises:
            E2eError: it fails or does not end; the message holds what it said last.
        """
        for job in self.rendered.jobs:
            name = job["metadata"]["name"]
            self.namespace.kubectl("delete", "job", name, "--ignore-not-found", "--cascade=foreground")
            self.namespace.apply([job])
            end = time.monotonic() + JOB_SECONDS
            while not (ended := _ended(get("job", name, self.namespace.name))):
                if time.monotonic() > end:
                    raise E2eError(f"the smoke test job/{name} did not end within {JOB_SECONDS:g} s")
                time.sleep(INTERVAL_SECONDS)
            if ended != "Complete":
                said = self.namespace.kubectl("logs", f"job/{name}", "--tail=3")
                raise E2eError(f"the smoke test job/{name} ended as {ended}: {said.strip()}")
            self.report.ok(f"{self.name}: its smoke test passed in the cluster")

    def remove(self) -> None:
        """Take away all that was applied, and wait until its pods are gone."""
        for entry in self.rendered.objects:
            kind = KIND if entry["kind"] == "SeldonDeployment" else entry["kind"]
            self.namespace.kubectl("delete", kind, entry["metadata"]["name"], "--ignore-not-found")
        self.namespace.until(f"the pods of {self.name} are gone", lambda: not self.pods())


def _shown(status: Mapping[str, Any]) -> str:
    """Return the state in a status, and why it is so where the operator says that."""
    return ": ".join(filter(None, (status.get("state", "no status yet"), status.get("description"))))


def _ended(job: Mapping[str, Any]) -> str:
    """Return how a Job ended, empty while it runs."""
    for condition in job.get("status", {}).get("conditions") or ():
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return str(condition["type"])
    return ""
