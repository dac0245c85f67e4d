"""The policy about Argo CD's projects; it is silent in a tree without the folder argocd/."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from gitops.check.policy import Breach, policy
from gitops.manifests.applications import CLUSTER_WIDE, FOLDER, Application, applications
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree

# Every Argo CD has it, and it allows everything.
_DEFAULT = "default"


@policy
def application_project(tree: Tree) -> Iterator[Breach]:
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
            yield Breach(owner, f"spec.project is {application.project!r}", fix, FOLDER)
            continue
        for value, field in _refused(application, projects[application.project]):
            fix = f"correct it, or add it to {field} of AppProject {application.project}"
            yield Breach(owner, value, fix, FOLDER)
        yield from _namespaces(tree, application, projects[application.project])
        yield from _kinds(tree, application, projects[application.project])


def _refused(application: Application, project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
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


def _namespaces(tree: Tree, application: Application, project: Mapping[str, Any]) -> Iterator[Breach]:
    """Yield the objects that say a namespace of their own which the project does not allow, by that namespace."""
    for folder in application.folders:
        found: dict[str, list[str]] = defaultdict(list)
        for entry in tree.rendered[folder].objects if folder in tree.rendered else ():
            namespace = entry["metadata"].get("namespace") or application.namespace
            # What is wrong with its own destination is said of the Application.
            if str(entry.get("kind")) in CLUSTER_WIDE or namespace == application.namespace:
                continue
            if not _destined(application.cluster, namespace, project):
                found[namespace].append(title(entry))
        for namespace, titles in found.items():
            yield Breach(
                ", ".join(titles),
                f"{'is' if len(titles) == 1 else 'are'} applied by Application {application.name} to namespace {namespace}, "
                f"where its project {application.project} may not",
                "correct the namespace, or add it to destinations in argocd/appproject.yaml",
                folder,
            )


def _kinds(tree: Tree, application: Application, project: Mapping[str, Any]) -> Iterator[Breach]:
    for folder in application.folders:
        for entry in tree.rendered[folder].objects if folder in tree.rendered else ():
            group = str(entry.get("apiVersion")).rpartition("/")[0]
            kind, name = str(entry.get("kind")), entry["metadata"]["name"]
            field = ("cluster" if kind in CLUSTER_WIDE else "namespace") + "ResourceWhitelist"
            # Without a list everything of a namespace is allowed, and nothing of the cluster.
            listed = project.get(field, [] if kind in CLUSTER_WIDE else [{"group": "*", "kind": "*"}])
            if not _listed(group, kind, name, listed):
                yield Breach(
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
