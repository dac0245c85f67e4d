"""The Argo CD Applications that argocd/ declares or generates by ApplicationSets, and the folders that they apply.

The Applications of an ApplicationSet are rendered from the tree, for the generators git, list and matrix and Go
templates of plain fields. Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.manifests.applicationset import Unsupported, fill, parameters
from gitops.manifests.rendered import BASE, Rendered
from gitops.manifests.secrets import source_of_secret
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree

FOLDER = "argocd"
# Kinds without a namespace that a manifest here could have: https://kubernetes.io/docs/reference/using-api/api-concepts/
CLUSTER_WIDE = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
}
_GROUP = "argoproj.io"


@dataclass(frozen=True)
class Application:
    """An Application: its name and project, the folders of the tree that it applies, from which repositories, and whereto.

    ``plugged`` are those of its folders that a config management plugin renders in place of Kustomize alone.
    """

    name: str
    project: str
    repositories: tuple[str, ...]
    folders: tuple[str, ...]
    plugged: frozenset[str]
    cluster: str
    namespace: str


@dataclass(frozen=True)
class Applications:
    """All Applications, the generators that cannot be expanded (owner and reason), and the declared projects."""

    known: tuple[Application, ...]
    unknown: tuple[tuple[str, str], ...]
    projects: tuple[Mapping[str, Any], ...]

    def of(self, folder: str) -> list[Application]:
        """Return those that apply ``folder``."""
        return [entry for entry in self.known if folder in entry.folders]


def applications(tree: Tree) -> Applications | None:
    """Return the Applications of the tree, or None where it has no folder argocd/, or that does not build."""
    if not (tree.root / FOLDER).is_dir() or not tree.complete:
        return None
    known: list[Application] = []
    unknown: list[tuple[str, str]] = []
    objects = list(_objects(tree))
    for entry in objects:
        try:
            known += _made(tree, entry)
        except Unsupported as error:
            unknown.append((title(entry), str(error)))
    projects = tuple(entry for entry in objects if entry.get("kind") == "AppProject")
    return Applications(tuple(known), tuple(unknown), projects)


def _objects(tree: Tree) -> Iterator[Mapping[str, Any]]:
    for folder, rendered in tree.rendered.items():
        if folder == FOLDER or folder.startswith(f"{FOLDER}/"):
            for entry in rendered.objects:
                if str(entry.get("apiVersion")).partition("/")[0] == _GROUP:
                    yield entry


def _made(tree: Tree, entry: Mapping[str, Any]) -> Iterator[Application]:
    if entry.get("kind") == "Application":
        yield _application(entry["metadata"]["name"], entry["spec"])
    elif entry.get("kind") == "ApplicationSet":
        spec = entry["spec"]
        if not spec.get("goTemplate"):
            raise Unsupported("spec.goTemplate is not true")
        for generator in spec["generators"]:
            for values in parameters(generator, tree.root):
                template = fill(spec["template"], values)
                yield _application(template["metadata"]["name"], template["spec"])


def _application(name: str, spec: Mapping[str, Any]) -> Application:
    sources = spec.get("sources") or [spec.get("source") or {}]
    destination = spec.get("destination") or {}
    rendered = {source["path"].strip("/"): source for source in sources if source.get("path")}
    return Application(
        name=name,
        project=spec.get("project") or "",
        repositories=tuple(source.get("repoURL") or "" for source in sources),
        folders=tuple(rendered),
        plugged=frozenset(folder for folder, source in rendered.items() if source.get("plugin")),
        cluster=destination.get("server") or destination.get("name") or "",
        namespace=destination.get("namespace") or "",
    )


def deployed(tree: Tree) -> Iterator[tuple[str, Rendered]]:
    """Yield the folders that Argo CD or Flux has to apply: overlays of one node, and what makes Secrets.

    A graph, an overlay without node.yaml, is there to be switched on, and so is a component.
    """
    for folder, rendered in tree.rendered.items():
        wanted = (rendered.overlay and rendered.node) or any(map(source_of_secret, rendered.objects))
        if wanted and folder not in (BASE, *tree.compositions):
            yield folder, rendered
