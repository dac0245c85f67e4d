"""The whole run, step by step, in a namespace that goes with it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from gitops.local import overlay as overlays
from gitops.manifests.site import read_site
from tests.cluster import helper
from tests.cluster.helper import Helper
from tests.cluster.namespace import Namespace
from tests.e2e import changes, ingress, installed, models, security
from tests.e2e.answers import Answers
from tests.e2e.context import confirm, current
from tests.e2e.deployment import Deployment
from tests.e2e.errors import E2eError
from tests.e2e.installed import Operator
from tests.e2e.models import Models
from tests.e2e.place import own_namespace, prepare
from tests.e2e.rendered import Rendered
from tests.e2e.report import Report
from tests.e2e.settings import Settings
from tests.e2e.tree import Tree
from tests.e2e.values import values


@dataclass(frozen=True)
class Run:
    """What all steps share; ``models`` are those of the store's pod, None where there is none."""

    settings: Settings
    tree: Tree
    models: Models | None
    namespace: Namespace
    helper: Helper
    operator: Operator
    report: Report

    def answers(self, rendered: Rendered) -> Answers | None:
        """Return what the deployment has to answer, None where nobody knows a request."""
        expected = rendered.expected
        return Answers(rendered, expected, self.helper, self.report) if expected else None

    def deployment(self, rendered: Rendered) -> Deployment:
        return Deployment(self.namespace, rendered, self.report)


def run(
    settings: Settings,
    environ: Mapping[str, str],
    report: Report,
    ask: Callable[[str], str] | None,
    log: TextIO,
) -> None:
    """Run all steps on the cluster of KUBECONFIG; what is told of a failure goes to ``log``.

    Raises:
        E2eError: something is missing or wrong.
        ClusterError: the cluster refuses, or does not answer.
        GitopsError, ServerError: the manifests, a secret's value or a pinned tool are wrong.
    """
    confirm(current(), settings, report, ask)
    operator = installed.check()
    report.ok(f"Seldon Core {operator.version}, Sealed Secrets and Argo CD are there")
    given = values(environ, read_site(settings.tree), store_in_pod=settings.store_in_pod, notice=report.say)
    name = f"seldon-e2e-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        tree = Tree.copy(settings.tree, place, name, helper.URL if settings.index_in_pod else "")
        if settings.image:
            tree.use_image(settings.image)
        report.say(f"image {tree.image}")
        pinned = models.into_the_store(tree) if settings.store_in_pod else {}
        rendered = [tree.render(entry.name) for entry in overlays.find(settings.tree, settings.overlays)]
        chosen = changed(rendered)
        held = (
            models.choose(rendered, chosen, pinned, settings.tree, place) if settings.store_in_pod else None
        )
        graphs = [entry.name for entry in rendered if not entry.overlay.predictor.no_engine]
        level = "baseline" if graphs else "restricted"
        with own_namespace(name, level, settings.keep, report, log) as namespace:
            if graphs:
                report.say(f"restricted would refuse the orchestrator of {', '.join(graphs)}")
            folders = held.folders if held else {}
            beside = prepare(settings, namespace, given, folders, tree.image, place, report)
            steps = Run(settings, tree, held, namespace, beside, operator, report)
            for entry in rendered:
                _try(steps, entry)
            _change(steps, chosen.overlay.name)


def changed(rendered: list[Rendered]) -> Rendered:
    """Return the overlay that the changes are tried on: the first of a single node, a MODEL with a request if there is one.

    Raises:
        E2eError: there is none.
    """
    single = [entry for entry in rendered if entry.overlay.predictor.no_engine]
    if not single:
        raise E2eError(
            "OVERLAYS names graphs only: add one of a single node, whose pods are changed under load"
        )
    return min(
        single,
        key=lambda entry: (entry.expected is None, entry.overlay.predictor.graph.type != "MODEL"),
    )


def _try(steps: Run, rendered: Rendered) -> None:
    """Deploy an overlay, ask it on every way, judge its pods, and take it away."""
    deployment, answers = steps.deployment(rendered), steps.answers(rendered)
    deployment.apply()
    deployment.wait()
    steps.report.ok(f"{rendered.name}: Available")
    if answers is None:
        steps.report.say(f"{rendered.name}: its expected.json names no request, so none is sent")
    else:
        _ask(steps, rendered, answers)
    deployment.smoke()
    security.check(steps.namespace, deployment.pods(), steps.report)
    deployment.remove()


def _ask(steps: Run, rendered: Rendered, answers: Answers) -> None:
    """Ask on every way that leads to the deployment."""
    answers.through_the_service()
    found = ingress.find(rendered, steps.settings.ingress_url, steps.operator.istio_gateway)
    if found is None:
        steps.report.say(f"{rendered.name}: no ingress or gateway leads to it, so only its Service is asked")
    else:
        answers.through(found)


def _change(steps: Run, overlay: str) -> None:
    """Two replicas of an overlay: a pod killed, and each digest that there is another of rolled out."""
    rendered = steps.tree.render(overlay, replicas=changes.REPLICAS)
    deployment, answers = steps.deployment(rendered), steps.answers(rendered)
    if answers is None:
        steps.report.say("no overlay of a single node names a request, so none is changed under load")
        return
    deployment.apply()
    deployment.wait()
    changes.pod_killed(deployment, answers, steps.report)
    for what, change in _digests(steps, overlay):
        change()
        after = steps.tree.render(overlay, replicas=changes.REPLICAS)
        changes.rolled_out(steps.deployment(after), answers, steps.report, what)
        replace(answers, rendered=after).through_the_service()


def _digests(steps: Run, overlay: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what gets another digest, and what pins that: the model where the store is the run's own, the image where
    another is named, and where there is neither, the lock.
    """
    tree, image = steps.tree, steps.settings.next_image
    if steps.models is not None:
        uri, digest = steps.models.next
        yield f"the model {digest}", lambda: tree.use_model(overlay, uri, digest)
    if image:
        yield f"the image {image}", lambda: tree.use_image(image)
    if steps.models is None and not image:
        yield "a lock of another hash", lambda: tree.use_lock(overlay, "rolled out by make e2e")
