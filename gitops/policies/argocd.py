"""Policies about Argo CD's Applications and AppProjects, which find nothing in a tree without the folder argocd/, and graphs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from gitops.manifests.applications import CLUSTER_WIDE, FOLDER, Application, applications, deployed
from gitops.manifests.flux import applied_folders
from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.secrets import is_encrypted
from gitops.manifests.seldondeployment import SeldonDeployment, title
from gitops.manifests.tree import Tree
from gitops.policies.policy import Violation, policy, warning
from gitops.policies.references import sealed_elsewhere

_ENFORCE = "pod-security.kubernetes.io/enforce"


@policy
def application_coverage(tree: Tree) -> Iterator[Violation]:
    """An overlay with a node.yaml and what makes Secrets have an Application: what none applies runs nowhere."""
    found = applications(tree)
    if found is None:
        return
    for owner, reason in found.unknown:
        yield Violation(
            owner,
            f"cannot be worked out from the tree: {reason}",
            "use the generators git, list or matrix, and Go templates of plain fields such as {{.path.path}}",
            FOLDER,
        )
    for folder, rendered in deployed(tree) if not found.unknown else ():
        if not found.of(folder):
            yield Violation(
                f"overlay {rendered.overlay}" if rendered.overlay else f"folder {folder}",
                "no Application has it as its source.path",
                "let the ApplicationSet's generator find it, or add an Application to argocd/",
                folder,
            )


@policy
def application_name(tree: Tree) -> Iterator[Violation]:
    """An Application has a name of its own: of two that a set makes Argo CD applies neither."""
    found = applications(tree)
    if found is None:
        return
    folders: dict[str, list[str]] = defaultdict(list)
    for application in found.known:
        folders[application.name].append(", ".join(application.folders))
    for name, places in folders.items():
        if len(places) > 1:
            yield Violation(
                f"Application {name}",
                f"is made {len(places)} times, of {' and of '.join(places)}",
                "give one of them another name: that of an overlay is spec.deployment in its node.yaml",
                places[-1] if places[-1] in tree.kustomizations else FOLDER,
            )


@policy
def application_overlap(tree: Tree) -> Iterator[Violation]:
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
            yield Violation(
                f"{kind} {name}",
                f"is rendered by {len(places)} Applications: {where}",
                "keep it in one folder",
                places[0][1],
            )


@policy
def sops_plugin(tree: Tree) -> Iterator[Violation]:
    """A plugin renders Secrets that SOPS encrypted: Argo CD itself applies them as they are in git."""
    found = applications(tree)
    for application in found.known if found else ():
        for folder in application.folders:
            for entry in tree.rendered[folder].objects if folder in tree.rendered else ():
                if is_encrypted(entry) and folder not in application.plugged:
                    yield Violation(
                        title(entry),
                        f"is applied by Application {application.name}, whose source has no plugin that decrypts it",
                        "name the plugin in spec.source.plugin of the Application (docs/secrets.md)",
                        folder,
                    )


@policy
def orchestrator_namespace(tree: Tree) -> Iterator[Violation]:
    """A graph that Argo CD or Flux applies may run where it is: Pod Security restricted refuses Seldon's orchestrator."""
    yield from _refused(tree, _applied(tree))


@warning
def orchestrator_opt_in(tree: Tree) -> Iterator[Violation]:
    """A graph that is switched off could run when switched on: restricted refuses Seldon's orchestrator."""
    yield from _refused(tree, tree.rendered.keys() - _applied(tree))


def _applied(tree: Tree) -> set[str]:
    found = applications(tree)
    if found is None:
        return set(applied_folders(tree) or ())
    return {folder for entry in found.known for folder in entry.folders}


def _refused(tree: Tree, folders: set[str]) -> Iterator[Violation]:
    enforced = _enforced(tree)
    for folder, rendered in tree.rendered.items():
        for deployment in rendered.deployments if folder in folders and folder != BASE else ():
            if enforced.get(deployment.namespace) == "restricted" and _orchestrated(deployment):
                yield Violation(
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


# What Seldon's operator makes, by group and kind; without them in the project Argo CD's resource tree would not show them.
OPERATOR_KINDS = (
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("", "Pod"),
    ("", "Service"),
    ("autoscaling", "HorizontalPodAutoscaler"),
)


@policy
def operator_kind(rendered: Rendered) -> Iterator[Violation]:
    """An overlay leaves to the operator what that makes: the project allows these kinds only for Argo CD to show them."""
    for entry in rendered.objects if rendered.overlay else ():
        group, kind = str(entry.get("apiVersion")).rpartition("/")[0], str(entry.get("kind"))
        if (group, kind) in OPERATOR_KINDS:
            yield Violation(
                title(entry),
                f"is a {kind}, which Seldon's operator makes of a SeldonDeployment",
                "remove it, or render it in a folder that an Application of another project applies",
            )


# Every Argo CD has it, and it allows everything.
_DEFAULT = "default"


@policy
def application_project(tree: Tree) -> Iterator[Violation]:
    """A project allows what its Applications apply: Argo CD refuses the rest when it syncs."""
    found = applications(tree)
    if found is None:
        return
    projects = {entry["metadata"]["name"]: entry["spec"] for entry in found.projects}
    for application in found.known:
        owner = f"Application {application.name}"
        if application.project == _DEFAULT:
            continue
        if application.project not in projects:
            known = ", ".join([*projects, _DEFAULT])
            fix = f"correct it to one of {known}, or add an AppProject to argocd/"
            yield Violation(owner, f"spec.project is {application.project!r}", fix, FOLDER)
            continue
        for value, field in _not_allowed(application, projects[application.project]):
            fix = f"correct it, or add it to {field} of AppProject {application.project}"
            yield Violation(owner, value, fix, FOLDER)
        yield from _namespaces(tree, application, projects[application.project])
        yield from _kinds(tree, application, projects[application.project])


def _not_allowed(application: Application, project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the project refuses, and the field that says so."""
    for repository in application.repositories:
        if not any(fnmatchcase(repository, pattern) for pattern in project.get("sourceRepos") or ()):
            yield f"reads the repository {repository}", "sourceRepos"
    if not _destined(application.cluster, application.namespace, project):
        where = f"namespace {application.namespace} of {application.cluster}"
        yield f"applies to {where}", "destinations"


def _destined(cluster: str, namespace: str, project: Mapping[str, Any]) -> bool:
    return any(
        any(fnmatchcase(cluster, entry[key]) for key in ("server", "name") if entry.get(key))
        and fnmatchcase(namespace, entry.get("namespace") or "")
        for entry in project.get("destinations") or ()
    )


def _namespaces(tree: Tree, application: Application, project: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield the objects that say a namespace of their own which the project does not allow, by that namespace."""
    # The policy sealed_namespace says what to do with these.
    elsewhere = sealed_elsewhere(tree)
    for folder in application.folders:
        found: dict[str, list[str]] = defaultdict(list)
        for entry in tree.rendered[folder].objects if folder in tree.rendered else ():
            namespace = entry["metadata"].get("namespace") or application.namespace
            # What is wrong with its own destination is said of the Application.
            if str(entry.get("kind")) in CLUSTER_WIDE or namespace == application.namespace:
                continue
            if entry not in elsewhere and not _destined(application.cluster, namespace, project):
                found[namespace].append(title(entry))
        for namespace, titles in found.items():
            yield Violation(
                ", ".join(titles),
                f"{'is' if len(titles) == 1 else 'are'} applied by Application {application.name} to namespace {namespace}, "
                f"where its project {application.project} may not",
                "correct the namespace, or add it to destinations in argocd/appproject.yaml",
                folder,
            )


def _kinds(tree: Tree, application: Application, project: Mapping[str, Any]) -> Iterator[Violation]:
    for folder in application.folders:
        for entry in tree.rendered[folder].objects if folder in tree.rendered else ():
            group = str(entry.get("apiVersion")).rpartition("/")[0]
            kind, name = str(entry.get("kind")), entry["metadata"]["name"]
            field = ("cluster" if kind in CLUSTER_WIDE else "namespace") + "ResourceWhitelist"
            # Without a list everything of a namespace is allowed, and nothing of the cluster.
            listed = project.get(field, [] if kind in CLUSTER_WIDE else [{"group": "*", "kind": "*"}])
            if not _listed(group, kind, name, listed):
                yield Violation(
                    f"{kind} {name}",
                    f"is applied by Application {application.name}, whose project {application.project} "
                    f"allows no {kind}{f' of {group}' if group else ''}",
                    f"add it to {field} in argocd/appproject.yaml, or remove it here",
                    folder,
                )


def _listed(group: str, kind: str, name: str, listed: Sequence[Mapping[str, str]]) -> bool:
    return any(
        fnmatchcase(group, entry["group"])
        and fnmatchcase(kind, entry["kind"])
        and fnmatchcase(name, entry.get("name") or "*")
        for entry in listed
    )
