"""What a manifest says that the cluster has already, so that nothing in the tree declares it.

An annotation of what refers to it names each by its kind: gitops.local/provided-by-cluster: "Secret/x ConfigMap/y".
"""

from __future__ import annotations

from gitops.check.references import CONFIG_MAP
from gitops.manifests.rendered import Rendered
from gitops.manifests.seldondeployment import title

ANNOTATION = "gitops.local/provided-by-cluster"
# In every namespace: https://kubernetes.io/docs/concepts/configuration/configmap/
_ALWAYS = (CONFIG_MAP, "kube-root-ca.crt")


def provided(rendered: Rendered) -> set[tuple[str, str, str]]:
    """Return whose (kind and name), of which kind and by which name the cluster has what is referred to."""
    found = set()
    for entry in rendered.objects:
        owner = title(entry)
        found.add((owner, *_ALWAYS))
        annotations = (entry.get("metadata") or {}).get("annotations") or {}
        for named in str(annotations.get(ANNOTATION, "")).replace(",", " ").split():
            kind, _, name = named.partition("/")
            found.add((owner, kind, name))
    return found
