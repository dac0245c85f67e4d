"""What the cluster has already, named by an annotation, each by its kind: "Secret/x ConfigMap/y".

It counts for the object that has the annotation, and on a Namespace for all that is in it; so it does in site.yaml for the
namespace of the deployments, whose Namespace may be someone else's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops.manifests import site
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import title
from gitops.manifests.tree import Tree
from gitops.manifests.unstructured import nested_map

ANNOTATION = site.PROVIDED
CONFIG_MAP, SERVICE_ACCOUNT = "ConfigMap", "ServiceAccount"
# In every namespace: https://kubernetes.io/docs/concepts/configuration/configmap/ and
# https://kubernetes.io/docs/concepts/security/service-accounts/#default-service-accounts
_ALWAYS = ((CONFIG_MAP, "kube-root-ca.crt"), (SERVICE_ACCOUNT, "default"))


def provided_by_cluster(rendered: Rendered) -> set[tuple[str, str, str]]:
    """Return whose (kind and name), of which kind and by which name the cluster has what is referred to."""
    return {
        (title(entry), kind, name)
        for entry in rendered.objects
        for kind, name in (*_ALWAYS, *_provided(entry))
    }


def provided_in_namespace(tree: Tree) -> dict[tuple[str, str, str], str]:
    """Return what says so, by namespace, kind and name of what the cluster has for all that is in it."""
    said = _named(tree.site.provided) if tree.site else ()
    own = {(tree.site.namespace, kind, name): site.FILE for kind, name in said} if tree.site else {}
    return own | {
        (entry["metadata"]["name"], kind, name): title(entry)
        for rendered in tree.rendered.values()
        for entry in rendered.objects
        if entry.get("kind") == "Namespace"
        for kind, name in _provided(entry)
    }


def _provided(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return _named(str(nested_map(entry, "metadata", "annotations").get(ANNOTATION, "")))


def _named(annotation: str) -> Iterator[tuple[str, str]]:
    for text in annotation.replace(",", " ").split():
        kind, _, name = text.partition("/")
        yield kind, name
