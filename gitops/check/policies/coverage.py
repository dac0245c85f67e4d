"""Policies about what Argo CD applies; they are silent in a tree without the folder argocd/."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from gitops.check.declared import SEALED
from gitops.check.policy import Breach, policy, warning
from gitops.manifests.applications import CLUSTER_WIDE, FOLDER, Application, Applications, applications
from gitops.manifests.rendered import BASE
from gitops.manifests.seldondeployment import SeldonDeployment
from gitops.manifests.tree import Tree

_ENFORCE = "pod-security.kubernetes.io/enforce"


@policy
def application_coverage(tree: Tree) -> Iterator[Breach]:
    """An overlay with a node.yaml and the sealed secrets have an Application: what none applies runs nowhere."""
    found = applications(tree)
    if found is None:
        return
    for owner, reason in found.unknown:
        yield Breach(
            owner,
            f"cannot be worked out from the tree: {reason}",
            "use the generators git, list or matrix, and Go templates of plain fields such as {{.path.path}}",
            FOLDER,
        )
    for folder, rendered in tree.rendered.items() if not found.unknown else ():
        kinds = {str(entry.get("kind")) for entry in rendered.objects}
        # A graph, an overlay without node.yaml, is there to be switched on.
        wanted = (rendered.overlay and rendered.node) or SEALED in kinds
        if wanted and folder != BASE and not found.of(folder):
            yield Breach(
                f"overlay {rendered.overlay}" if rendered.overlay else f"folder {folder}",
                "no Application has it as its source.path",
                "let the ApplicationSet's generator find it, or add an Application to argocd/",
                folder,
            )


@policy
def application_name(tree: Tree) -> Iterator[Breach]:
    """An Application has a name of its own: of two that a set makes Argo CD applies neither."""
    found = applications(tree)
    if found is None:
        return
    folders: dict[str, list[str]] = defaultdict(list)
    for application in found.known:
        folders[application.name].append(", ".join(application.folders))
    for name, places in folders.items():
        if len(places) > 1:
            yield Breach(
                f"Application {name}",
                f"is made {len(places)} times, of {' and of '.join(places)}",
                "give one of them another name: that of an overlay is spec.deployment in its node.yaml",
                places[-1] if places[-1] in tree.kustomizations else FOLDER,
            )


@policy
def application_overlap(tree: Tree) -> Iterator[Breach]:
    """One Application renders an object: two would take it from each other for ever."""
    found = applications(tree)
    if found is None:
        return
    owners: dict[tuple[str, ...], list[tuple[Application, str]]] = defaultdict(list)
    for application in found.known:
        for folder in application.folders:
            for entry in tree.rendered[folder].objects if folder in tree.rendered else ():
                owners[_identity(entry, application)].append((application, folder))
    for (_, _, kind, _, name), places in owners.items():
        if len(places) > 1:
            where = ", ".join(f"{application.name} ({folder})" for application, folder in places)
            yield Breach(
                f"{kind} {name}",
                f"is rendered by {len(places)} Applications: {where}",
                "keep it in one folder",
                places[0][1],
            )


@policy
def orchestrator_namespace(tree: Tree) -> Iterator[Breach]:
    """A graph that Argo CD applies may run where it is: Pod Security restricted refuses Seldon's orchestrator."""
    found = applications(tree)
    if found is not None:
        yield from _refused(tree, {folder for entry in found.known for folder in entry.folders})


@warning
def orchestrator_opt_in(tree: Tree) -> Iterator[Breach]:
    """A graph that is switched off could run when switched on: restricted refuses Seldon's orchestrator."""
    found = applications(tree) or Applications((), (), ())
    yield from _refused(tree, {folder for folder in tree.rendered if not found.of(folder)})


def _refused(tree: Tree, folders: set[str]) -> Iterator[Breach]:
    enforced = _enforced(tree)
    for folder, rendered in tree.rendered.items():
        for deployment in rendered.deployments if folder in folders and folder != BASE else ():
            if enforced.get(deployment.namespace) == "restricted" and _orchestrated(deployment):
                yield Breach(
                    deployment.title,
                    f"has the orchestrator, which drops no capabilities, and namespace {deployment.namespace} "
                    "enforces restricted",
                    f"set the namespace's label {_ENFORCE} to baseline, and keep audit and warn at restricted",
                    folder,
                )


def _orchestrated(deployment: SeldonDeployment) -> bool:
    return any(not predictor.no_engine for predictor in deployment.predictors)


def _enforced(tree: Tree) -> Mapping[str, str]:
    """Return what Pod Security enforces, by namespace."""
    return {
        entry["metadata"]["name"]: (entry["metadata"].get("labels") or {}).get(_ENFORCE, "")
        for rendered in tree.rendered.values()
        for entry in rendered.objects
        if entry.get("kind") == "Namespace"
    }


def _identity(entry: Mapping[str, Any], application: Application) -> tuple[str, str, str, str, str]:
    group = str(entry.get("apiVersion")).rpartition("/")[0]
    kind, metadata = str(entry.get("kind")), entry["metadata"]
    namespace = "" if kind in CLUSTER_WIDE else metadata.get("namespace") or application.namespace
    return application.cluster, group, kind, namespace, metadata["name"]
